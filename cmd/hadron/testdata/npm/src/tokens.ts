import { SignJWT, createLocalJWKSet, decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify, EncryptJWT, jwtDecrypt } from "jose";

export async function tokens() {
  const secret = new TextEncoder().encode("a secret of at least thirty-two bytes");
  const signed = await new SignJWT({ role: "reader" })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("ada")
    .setIssuedAt(1_763_800_000)
    .sign(secret);
  const { payload } = await jwtVerify(signed, secret);
  const forged = await jwtVerify(signed.slice(0, -4) + "AAAA", secret).catch((error) => error.code);

  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256" };
  const token = await new SignJWT({}).setProtectedHeader({ alg: "ES256", kid: "k1" }).setExpirationTime("2h").sign(privateKey);
  const verified = await jwtVerify(token, createLocalJWKSet({ keys: [jwk] }));
  const expired = await jwtVerify(
    await new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setExpirationTime(1).sign(secret),
    secret,
  ).catch((error) => error.code);

  const key = secret.slice(0, 32);
  const sealed = await new EncryptJWT({ card: "4242" }).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).encrypt(key);
  const opened = await jwtDecrypt(sealed, key);

  return {
    signed, payload, forged, expired,
    kid: verified.protectedHeader.kid,
    header: decodeProtectedHeader(token).alg,
    opened: opened.payload.card,
  };
}
