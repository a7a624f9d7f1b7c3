import { ApiError, asApiError, request } from '../api/http'
import type { CreateSilence, Freeze, PutFreeze, Silence } from '../wire.gen'

/** Both or neither: a silence whose freeze is refused is ended. */
export async function freezeAndSilence(path: string, team: string, body: PutFreeze) {
  const wish: CreateSilence = { scope: team, ends: body.until, reason: body.reason }
  const made = await request<Silence>('/api/v1/silences', { method: 'POST', body: wish })
  try {
    await request<Freeze>(path, { method: 'PUT', body })
  } catch (failure) {
    await request(`/api/v1/silences/${made.id}`, { method: 'DELETE' }).catch(() => {
      throw new ApiError(
        500,
        null,
        `${asApiError(failure).message} The silence was made, and could not be ended: end it on Alerts.`,
      )
    })
    throw failure
  }
}
