/** The configuration as the agent uses it: checked, complete, paths absolute, deep-frozen. Made by `load.ts` alone. */
import type { Mask } from '../../drivers/camera/mask.ts';
import type { MachineKind } from '../../drivers/profiles/schema.ts';
import type { FourPointOptions } from '../../models/vision/four-point.ts';
import type { AcceleratorChoice } from '../../models/package/accelerator.ts';
import type { ShiftCalendar } from '../time/calendar.ts';
import type { Endpoint } from './endpoint.ts';
import type { opcuaPolicies, opcuaSecurityModes } from './machine-schema.ts';
import type { notifyLanguages } from './notify-schema.ts';
import type { logLevels } from './schema.ts';
import type { remoteRawModes } from './uplink-schema.ts';

/** Where a secret is, never the secret. `secrets.ts` resolves it at the moment of use. File paths are absolute. */
export type SecretReference = `file:${string}` | `env:${string}`;

export interface Config {
  readonly version: 1;
  /** Absolute path of the file this came from. */
  readonly file: string;
  readonly site: {
    readonly id: string;
    readonly name: string;
    readonly timeZone: string;
    readonly calendar: ShiftCalendar | null;
  };
  readonly gateway: { readonly id: string; readonly name: string };
  readonly dataDir: string;
  readonly profileDirs: readonly string[];
  readonly machines: readonly MachineConfig[];
  readonly rules: RulesConfig;
  readonly storage: { readonly budgetMiB: number; readonly ringDays: number; readonly ringShare: number };
  readonly summaries: { readonly openMinuteEveryS: number };
  readonly uplink: UplinkConfig | null;
  readonly models: { readonly siteKeys: readonly SiteKey[]; readonly accelerator: AcceleratorChoice };
  readonly page: {
    readonly bind: string;
    readonly port: number;
    /** What a browser may call this gateway, in one spelling, each once. */
    readonly names: readonly string[];
  };
  /** At most 8, each with a name of its own. */
  readonly notify: readonly NotifyTarget[];
  readonly log: { readonly level: LogLevel; readonly statusEveryS: number };
}

/** Who is told of new alerts; fields as in `docs/CONFIG.md`. */
export type NotifyTarget = {
  readonly name: string;
  readonly priorities: readonly ('urgent' | 'high' | 'medium' | 'low')[];
} & (
  | { readonly kind: 'webhook'; readonly url: string; readonly secret: SecretReference | null }
  | {
      readonly kind: 'smtp';
      readonly host: string;
      readonly port: number;
      readonly tls: 'starttls' | 'implicit' | 'none';
      readonly user: string | null;
      readonly password: SecretReference | null;
      /** Absolute path of a PEM file. */
      readonly ca: string | null;
      readonly from: string;
      readonly to: readonly string[];
      readonly language: (typeof notifyLanguages)[number];
    }
);

export interface MachineConfig {
  readonly id: string;
  readonly name: string;
  /** Profile id, or the absolute path of a profile file; as `loadProfile` takes it. */
  readonly profile: string;
  readonly kind: MachineKind;
  readonly line: string | null;
  readonly station: string | null;
  /** The endpoint as one URL in one spelling, settings of a serial line included: equal text is the same bus. */
  readonly endpoint: string;
  /** The same endpoint, read. */
  readonly address: Endpoint;
  /** Modbus unit id, address of an EFKA drive, or the number a knit floor machine sends; null where there is none. */
  readonly unit: number | null;
  readonly firmware: string | null;
  /** Poll classes whose interval differs from the profile's. */
  readonly polls: Readonly<Record<string, { readonly intervalMs: number }>>;
  /** Ceiling for the whole Modbus bus of the machine, in requests a second; null: none. */
  readonly maxRequestsPerS: number | null;
  /** true: the set-points of its profile may be written by maintainers on the page. */
  readonly writes: boolean;
  /** null: no camera looks at its cloth. */
  readonly eye: EyeConfig | null;
  /** null: no camera looks at a flat web. */
  readonly webEye: WebEyeConfig | null;
  /** null: no microphone hears it. */
  readonly ear: EarConfig | null;
  /** null unless the endpoint is OPC UA. */
  readonly opcua: OpcUaConfig | null;
  readonly rules: RulesConfig;
}

/** A microphone at a machine; fields as in `docs/CONFIG.md`. */
export interface EarConfig {
  readonly microphone: string;
  readonly simulated: boolean;
  /** null: no sound is kept. */
  readonly keepClips: { readonly days: number; readonly seconds: number; readonly key: SecretReference } | null;
  readonly pulse?: boolean;
  readonly needles?: number | undefined;
  readonly feeders?: number | undefined;
  readonly firstNeedle?: 0 | 1;
  readonly direction?: 'rising' | 'falling' | undefined;
  readonly needleZero?: number | undefined;
  readonly microphoneTurns?: number | undefined;
}

/** A camera before a circular machine's tube; fields as in `docs/CONFIG.md`. */
export interface EyeConfig {
  readonly camera: string;
  readonly mask: Mask;
  readonly fabric: string;
  readonly mmPerPx: number;
  readonly needles: number;
  readonly firstNeedle: 0 | 1;
  readonly feeders: number;
  readonly coursesPerCm: number;
  readonly circumferenceMm: number;
  readonly position: 'index' | 'encoder' | 'telemetry';
  readonly ringRowsPx: number;
  readonly countsPerRevolution: number;
  readonly rising: boolean;
  readonly needleZero: number | null;
  readonly behind: 'darker' | 'lighter' | null;
  /** Grades best first. */
  readonly score: Pick<FourPointOptions, 'grades' | 'holes'>;
  readonly simulated: boolean;
}

/** A camera over a flat web; fields as in `docs/CONFIG.md`. */
export interface WebEyeConfig extends Pick<
  EyeConfig,
  'camera' | 'mask' | 'fabric' | 'mmPerPx' | 'behind' | 'score' | 'simulated'
> {
  readonly widthMm: number;
  readonly leftMm: number;
  readonly newest: 'top' | 'bottom';
  readonly knit: boolean;
  readonly position:
    | { readonly kind: 'encoder'; readonly mmPerCount: number }
    | { readonly kind: 'speed'; readonly signal: string };
}

export interface OpcUaConfig {
  readonly security: (typeof opcuaSecurityModes)[number];
  readonly policy: (typeof opcuaPolicies)[number];
  /** SHA-256 of the certificate, lower-case hex without colons. */
  readonly serverFingerprint: string | null;
  readonly user: string | null;
  readonly password: SecretReference | null;
  /** Absolute path of a PEM file. */
  readonly userCertificate: string | null;
  readonly userKey: SecretReference | null;
  /** BrowseName below Objects/Machines. */
  readonly machine: string | null;
}

export interface UplinkConfig {
  /** At least one, in the order in which they are tried. */
  readonly brokers: readonly string[];
  /** Absolute path of a PEM file. */
  readonly certificate: string | null;
  readonly key: SecretReference | null;
  /** https://host:port */
  readonly enrolment: string | null;
  readonly password: SecretReference | null;
  /** Absolute path of a PEM file. */
  readonly bridgeKey: string;
  readonly ackTimeoutS: number;
  readonly outageAfterS: number;
  readonly remoteRaw: (typeof remoteRawModes)[number];
  /** Absolute path of a PEM file. */
  readonly ca: string | null;
}

/** A key with which the site signs model packages. */
export interface SiteKey {
  /** Absolute path of a PEM file. */
  readonly file: string;
  /** SHA-256 of the key, lower-case hex without colons. */
  readonly fingerprint: string | null;
}

/** Rule id → fields, as `overrideRules` of `agent/rules/load.ts` takes them. */
export type RulesConfig = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
export type LogLevel = (typeof logLevels)[number];
