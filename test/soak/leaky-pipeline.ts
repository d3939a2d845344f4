/** The pipeline with a leak: of every thousand readings it keeps some for ever. Taken for the true one by `probe.ts`. */
import { createPipeline as create } from '../../agent/pipeline.ts';
import type { Pipeline, PipelineInput } from '../../agent/pipeline-ports.ts';
import type { DriverEvent, Reading } from '../../drivers/contract.ts';

export function createPipeline(input: PipelineInput): Pipeline {
  const keptOfThousand = Number(process.env['SELVEDGE_SOAK_LEAK']);
  const kept: Reading[] = [];
  const pipeline = create(input);
  const accept = pipeline.accept.bind(pipeline);
  let n = 0;
  return Object.assign(pipeline, {
    accept(event: DriverEvent) {
      for (const reading of event.kind === 'readings' ? event.readings : []) {
        if (n % 1000 < keptOfThousand) kept.push(reading);
        n += 1;
      }
      accept(event);
    },
  });
}
