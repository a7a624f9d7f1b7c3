// What the operators ** and << become, where their operands may be huge numbers: a
// native call makes one, and nothing ends it.
(function (most, refuse) {
	"use strict";
	const bits = BigInt(most);
	const length = (n) => n.toString(16).length * 4;
	const numeric = (v) => -(-v);
	return {
		power(a, b) {
			if (typeof a === "number" && typeof b === "number") return a ** b;
			a = numeric(a);
			b = numeric(b);
			if (typeof a === "bigint" && typeof b === "bigint" && b > 64n && a !== 0n && a !== 1n && a !== -1n) {
				if (b > bits || length(a) * Number(b) > most) refuse();
			}
			return a ** b;
		},
		shift(a, b) {
			if (typeof a === "number" && typeof b === "number") return a << b;
			a = numeric(a);
			b = numeric(b);
			if (typeof a === "bigint" && typeof b === "bigint" && b > 64n && (b > bits || length(a) + Number(b) > most)) refuse();
			return a << b;
		},
	};
})
