import _ from "lodash";

export function lists() {
  const rows = _.range(1, 7).map((n) => ({ n, parity: n % 2 ? "odd" : "even", nested: { n: n * n } }));
  return {
    grouped: _.mapValues(_.groupBy(rows, "parity"), (g) => _.sumBy(g, "nested.n")),
    ordered: _.orderBy(rows, ["parity", "n"], ["asc", "desc"]).map((r) => r.n),
    deep: _.merge({}, { a: { b: 1 } }, { a: { c: [1, 2] } }),
    cloned: _.isEqual(_.cloneDeep(rows), rows),
    chunked: _.chunk([1, 2, 3, 4, 5], 2),
    words: _.kebabCase("Ünïcode wordsAndNumbers42 are fine"),
    memoized: _.memoize((n: number) => n * 2)(21),
  };
}
