/** The part of the room's one table (`agent/errors.ts`) that tells of the uplink and of what comes down it. */
import type { ErrorEntry } from '../errors.ts';

export const syncErrors = {
  keyUnusable: {
    code: 'AGT-300',
    meaning: 'A key file cannot be read or holds no Ed25519 key.',
    cure: 'Check the path; a gateway key is made anew when the keys folder has none, the bridge key is bridge.pub.pem of the bridge.',
    retryable: false,
  },
  uplinkUrlInvalid: {
    code: 'AGT-301',
    meaning: 'The address of the uplink cannot be used.',
    cure: 'Write mqtts://host:8883, or mqtt://127.0.0.1:1883 for a broker on this machine.',
    retryable: false,
  },
  uplinkPlaintext: {
    code: 'AGT-302',
    meaning: 'The uplink would send passwords and records unencrypted over a network.',
    cure: 'Use mqtts:// and, where the system does not know it, the ca of the broker.',
    retryable: false,
  },
  uplinkRefused: {
    code: 'AGT-303',
    meaning: 'The broker refuses this gateway.',
    cure: 'Check gateway id, certificate or password, the certificate of the broker, and that the bridge knows this gateway and has not revoked it (selvedge bridge enrol and selvedge join, or selvedge bridge allow). The agent keeps trying slowly; nothing is lost.',
    retryable: true,
  },
  uplinkAckInvalid: {
    code: 'AGT-304',
    meaning:
      'Answers arrive that the configured bridge has not signed. They are not believed: what they answer stays in the outbox.',
    cure: 'Set uplink.bridgeKey to the bridge.pub.pem of the bridge that uses this broker, and start the agent again; nothing is lost.',
    retryable: true,
  },
  uplinkUnreachable: {
    code: 'AGT-305',
    meaning: 'The broker cannot be reached.',
    cure: 'Check that the bridge runs, uplink.broker and the network. The agent keeps trying; what waits is sent when it is back.',
    retryable: true,
  },
  joinFileUnusable: {
    code: 'AGT-307',
    meaning: 'The join file is damaged, was changed, has expired or is used up. Nothing was sent.',
    cure: 'Have a new one made at the bridge: selvedge bridge enrol (with --replace where the gateway had joined before). Check the clock of this computer.',
    retryable: false,
  },
  joinRefused: {
    code: 'AGT-308',
    meaning: 'The bridge gives this gateway no certificate.',
    cure: 'Have a new join file made at the bridge: selvedge bridge enrol (with --replace where the gateway had joined before), and run selvedge join with it.',
    retryable: false,
  },
  enrolmentUnreachable: {
    code: 'AGT-309',
    meaning: 'The bridge cannot be reached where certificates are given, or another one answers there.',
    cure: 'Check that the bridge runs with --public-bind and --host as this gateway reaches it, and the network between. The join file stays good until it expires.',
    retryable: true,
  },
  commandRefused: {
    code: 'AGT-310',
    meaning: 'A command from afar was not carried out.',
    cure: 'The event names it and why. If nobody at the bridge sent it, look who else may publish at the broker.',
    retryable: false,
  },
  uplinkDoubted: {
    code: 'AGT-320',
    meaning:
      'Under the name of a batch of this gateway the bridge was sent something whose signature or hash does not hold. Nothing is lost; the batch is sent again.',
    cure: 'When it stays: the bridge has another key of this gateway; enrol it again (selvedge bridge enrol --replace, selvedge join). When it comes and goes, somebody else publishes as this gateway: see selvedge bridge audit, and the ACL of the broker.',
    retryable: true,
  },
  remotePassedOver: {
    code: 'AGT-340',
    meaning:
      'Something that was set from afar does not count: the local file says otherwise, or the two together cannot be used.',
    cure: '`selvedge check FILE` shows what and why. The local file always wins; nothing has to be done.',
    retryable: false,
  },
  trialFailed: {
    code: 'AGT-341',
    meaning: 'The agent could not start with settings that were on trial. They were taken back.',
    cure: 'Look at the line before; send other settings.',
    retryable: true,
  },
} as const satisfies Record<string, ErrorEntry>;
