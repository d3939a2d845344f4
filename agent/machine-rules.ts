/** Which rules each machine has now, and what to do about each: by what the machine is, and by the senses that look at it and hear it. */
import { FindingDesk } from './findings.ts';
import { GatewayAlerts, gatewayId } from './gateway-alerts.ts';
import type { MachineSetup } from './machine.ts';
import { rulesFor, type RuleSet } from './rules/load.ts';
import type { Rule } from './rules/schema.ts';
import { SoundDesk } from './sounds.ts';

export class MachineRules {
  #ruleSet: RuleSet;
  readonly #runbooks = new Map<string, string | null>();

  constructor(ruleSet: RuleSet) {
    this.#ruleSet = ruleSet;
  }

  /** Other rules from now on: each machine has to be given its own anew. */
  change(ruleSet: RuleSet): void {
    this.#ruleSet = ruleSet;
  }

  /** The rules of a machine, which hang on its signals, too; their runbooks are known from now on. */
  give({ id, kind, profile, web, hasEar = false }: MachineSetup): readonly Rule[] {
    const own = rulesFor(this.#ruleSet, id, kind, profile, { hasEye: web !== undefined, hasEar });
    for (const rule of own) this.#runbooks.set(`${id} ${rule.id}`, rule.runbook);
    return own;
  }

  forget(machine: string, rule: string): void {
    this.#runbooks.delete(`${machine} ${rule}`);
  }

  runbook(machine: string, rule: string): string | null {
    if (machine === gatewayId) return GatewayAlerts.runbook(rule);
    return this.#runbooks.get(`${machine} ${rule}`) ?? FindingDesk.runbook(rule) ?? SoundDesk.runbook(rule);
  }
}

/** What an alert may be of: the rules of each machine and of its senses, and those of the gateway. */
export function alertRules(
  machines: readonly MachineSetup[],
  given: ReadonlyMap<string, readonly Rule[]>,
): ReadonlyMap<string, readonly Pick<Rule, 'id' | 'latch'>[]> {
  return new Map([
    [gatewayId, GatewayAlerts.rules],
    ...machines.map(({ id, web, hasEar = false }): [string, readonly Pick<Rule, 'id' | 'latch'>[]] => {
      const senses = [...(web === undefined ? [] : FindingDesk.rules), ...(hasEar ? SoundDesk.rules : [])];
      return [id, [...(given.get(id) ?? []), ...senses]];
    }),
  ]);
}
