import type { ApiError } from '../api/http'

/** The server's words for what it did not do, and what became of it: an answer that never came may have been an answer all the same. */
export function refusal(error: ApiError): string {
  if (error.status === 0) return `${error.message} Whether it was done is not known: look before you try again.`
  if (error.status < 500) return `${error.message} Nothing was changed.`
  return error.message
}
