import _ from "lodash";

interface Row {
  price?: { amount: number };
}

const rows: Row[] = [{ price: { amount: 1 } }, {}];

export function throughPackage() {
  return _.map(rows, (row) => amountOf(row));
}

function amountOf(row: Row) {
  return row.price!.amount;
}
