/** What the processes of the page's bench call things. */
export const pageMachineId = (index: number) => `sew-${index}`;
/** The signal that has a long past at the first machine. */
export const pannedSignal = 'motor.temp';
