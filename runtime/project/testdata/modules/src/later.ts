export const later = async () => (await import("./deep/fail")).fail.name;
