({
	stackTraceLimit: 10,
	captureStackTrace(object) {
		if (Object(object) !== object) throw new TypeError("Invalid argument: captureStackTrace takes an object");
		const until = arguments[1];
		let lines = String(new Error().stack).split("\n").filter((line) => line.startsWith("\tat ") && !line.includes("hadron:"));
		if (typeof until === "function" && until.name) {
			const own = lines.findLastIndex((line) => line.startsWith(`\tat ${until.name} (`));
			if (own >= 0) lines = lines.slice(own + 1);
		}
		const limit = Error.stackTraceLimit;
		if (typeof limit === "number") lines = lines.slice(0, Math.max(0, limit));
		let title = "Error";
		try {
			title = typeof object.toString === "function" && object instanceof Error ? Error.prototype.toString.call(object) : String(object.name ?? "Error");
		} catch {}
		Object.defineProperty(object, "stack", { value: [title, ...lines].join("\n"), writable: true, configurable: true, enumerable: false });
	},
})
