// zod/mini checks what zod does, and is a fraction of its size: the whole function
// loads in a few milliseconds.
import * as z from "zod/mini";

export const prices = { mug: 1290, tea: 640, desk: 24900 };

const Line = z.object({
  sku: z.enum(["mug", "tea", "desk"], "there is no such article"),
  quantity: z.int().check(z.minimum(1, "at least one"), z.maximum(99, "at most 99")),
});

export const Order = z.object({
  email: z.email("that is no address"),
  lines: z.array(Line).check(z.minLength(1, "an order has lines"), z.maxLength(50, "too many lines")),
  note: z.optional(z.string().check(z.maxLength(200))),
});

type Line = z.infer<typeof Line>;

export function total(lines: Line[]): number {
  return lines.reduce((sum, line) => sum + prices[line.sku] * line.quantity, 0);
}
