/** What an OPC UA driver is told. */
import type { BackoffOptions } from '../contract.ts';
import type { Profile, SignalSpec } from '../profiles/schema.ts';
import type { MachineIdentification } from './nodes.ts';

export type OpcuaSecurity =
  | {
      readonly mode: 'SignAndEncrypt' | 'Sign';
      readonly policy: 'Basic256Sha256' | 'Aes128_Sha256_RsaOaep' | 'Aes256_Sha256_RsaPss';
    }
  /** Anybody on the network can read and forge the values of such a machine, so it has to be asked for by name. */
  | { readonly mode: 'None'; readonly iKnowThisIsNotSecure: true };

export interface OpcuaMachine {
  readonly machine: string;
  readonly profile: Profile;
  /** BrowseName below Objects/Machines; goes before that of the profile. */
  readonly browseName?: string | undefined;
}

/** Who the agent is at the server. */
export type OpcuaUser =
  | { readonly name: string; readonly password: string }
  /** X.509 user identity: certificate and key as PEM texts. */
  | { readonly certificatePem: string; readonly keyPem: string };

export interface OpcuaDriverOptions {
  /** `opc.tcp://host:4840/path`. */
  readonly endpoint: string;
  /** The machines behind this server; more than one need `opcua.machineBrowseName` in their profiles. */
  readonly machines: readonly OpcuaMachine[];
  readonly security: OpcuaSecurity;
  /** SHA-256 of the server's certificate; trusts this certificate besides those in `trustDir`. */
  readonly serverFingerprint?: string | undefined;
  /** Folder of trusted server certificates, one per file; refused ones go to `rejected/` below it. */
  readonly trustDir: string;
  /** Folder of the agent's own key and certificate; made when they are not there. */
  readonly pkiDir: string;
  /** Absent: anonymous. */
  readonly user?: OpcuaUser | undefined;
  readonly backoff?: BackoffOptions;
  /** At most this long between two good readings of a signal that stands still, ms. Default 1000. */
  readonly heartbeatMs?: number;
  /** How long connecting, or one answer, may take, ms. Default 5000. */
  readonly timeoutMs?: number;
  /** Called after each connect with what the machine says of itself (OPC 40001-1, MachineIdentification). */
  readonly onIdentification?: (machine: string, identification: MachineIdentification) => void;
  /**
   * Called after each connect with the signals that were found at a machine and that its profile does not name, before any
   * reading of them; with profiles that say `discover` alone. Names are the same every time the server shows the same.
   */
  readonly onDiscovered?: (machine: string, signals: Readonly<Record<string, SignalSpec>>) => void;
}
