/** One lower-case word group for an error of a socket or a request, as drivers tell why a connection ended. Pure. */
export function reasonOfSocket(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection-refused';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'host-unknown';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'host-unreachable';
    case 'ETIMEDOUT':
      return 'timeout';
    case 'EADDRINUSE':
      return 'port-in-use';
    case 'EADDRNOTAVAIL':
      return 'address-not-here';
    case 'EACCES':
      return 'access-denied';
    default:
      if (code.startsWith('HPE_')) return 'no-http';
      return /CERT|SSL|TLS/.test(code) ? 'certificate-refused' : 'connection-lost';
  }
}
