/** The handler that gives away the certificate of the site's authority, which is no secret. */
import { refuse, type Handler } from './answer.ts';
import { certificateOperations as operations } from './certificate-api.ts';
import type { PageSources } from './source.ts';

export function certificateHandlers({
  authorityCertificate,
}: Pick<PageSources, 'authorityCertificate'>): Record<'caCertificate', Handler> {
  return {
    async caCertificate(_request, reply) {
      const der = authorityCertificate();
      if (der === null) return refuse(reply, 404, 'no-authority', 'This gateway has no authority of its own.');
      reply.header('content-disposition', 'attachment; filename="selvedge-ca.crt"');
      return reply.type(operations.caCertificate.response.media).send(Buffer.from(der));
    },
  };
}
