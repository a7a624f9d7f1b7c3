// fail has its throw on a line and a column that tests know.
export function fail(answer: number): never {
  type Reason = { answer: number };
  throw new TypeError(`it is not ${({ answer } as Reason).answer}`);
}
