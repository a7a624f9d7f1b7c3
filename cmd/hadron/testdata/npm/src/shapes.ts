import { z } from "zod";

const Order = z.object({
  id: z.uuid(),
  email: z.email(),
  placed: z.iso.datetime(),
  lines: z.array(z.object({ sku: z.string().regex(/^\p{Lu}{2}-\d+$/u), quantity: z.number().int().positive() })).min(1),
  note: z.string().max(20).optional(),
  mood: z.emoji().optional(),
  total: z.coerce.number().transform((n) => Math.round(n * 100)),
  kind: z.discriminatedUnion("type", [z.object({ type: z.literal("gift"), to: z.string() }), z.object({ type: z.literal("own") })]),
});

export function shapes(value: unknown) {
  const result = Order.safeParse(value);
  if (result.success) {
    return { order: result.data };
  }
  return { issues: result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.code}`) };
}
