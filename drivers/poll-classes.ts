/** How often the signals of a profile are asked for: the intervals of its poll classes, and those a configuration sets instead. */
import type { Profile } from './profiles/schema.ts';

/** Poll class of signals that name none, where the profile does not set it, in ms. */
const normalIntervalMs = 1_000;
const shortestIntervalMs = 20;

/** Intervals in ms that replace those of the profile, by poll class. */
export type PollIntervals = Readonly<Record<string, number>>;

/** What is wrong with the intervals that are set for a machine. */
export function intervalProblems(profile: Profile, polls: PollIntervals = {}): string[] {
  const classes = classesOf(profile);
  const problems: string[] = [];
  for (const [name, intervalMs] of Object.entries(polls)) {
    if (!classes.has(name)) problems.push(`${profile.profile} has no poll class ${name}`);
    if (!(intervalMs >= shortestIntervalMs)) problems.push(`polls.${name} is below ${shortestIntervalMs} ms`);
  }
  return problems;
}

/** The interval of every poll class that a signal is in, in ms. */
export function intervalsOf(profile: Profile, polls: PollIntervals = {}): Map<string, number> {
  return new Map(
    [...classesOf(profile)].map((name) => [name, polls[name] ?? profile.polls[name]?.intervalMs ?? normalIntervalMs]),
  );
}

function classesOf(profile: Profile): Set<string> {
  return new Set(Object.values(profile.signals).map((spec) => spec.poll));
}
