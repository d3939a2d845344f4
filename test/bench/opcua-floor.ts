/** What the OPC UA bench serves: 1000 variables, each a value that names itself and its round. */
export const variables = 1000;
export const everyMs = 100;
export const nameOf = (variable: number) => `V${String(variable).padStart(4, '0')}`;
export const signalOf = (variable: number) => `bench.v${String(variable).padStart(4, '0')}`;

/** Below 2^53 for years; no two values of a variable are the same. */
export const valueOf = (variable: number, round: number) => round * 1000 + variable;
export const roundOf = (variable: number, value: number) => (value - variable) / 1000;
