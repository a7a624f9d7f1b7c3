package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"hadron/ui/wire"
)

// maxWebhook bounds the body of a webhook: a good one is a few kilobytes.
const maxWebhook = 4 << 20

func (a *api) addWebhook() {
	add(a, route{
		method: http.MethodPost, path: Prefix + "/pagerduty/webhook", id: "pagerDutyWebhook", tag: "alerts",
		summary: "Tell of an incident at PagerDuty",
		detail: "For PagerDuty's webhooks v3. A body is known by its signature, X-PagerDuty-Signature, under any secret that is known here, and taken once for each X-Webhook-Id. " +
			"202 says that it is stored; 401 webhook_unsigned that another secret signed it; 503 asks PagerDuty to come again.",
		scope: ofNobody, body: map[string]any{}, status: http.StatusAccepted,
	}, a.webhook)
}

func (a *api) webhook(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.Received], error) {
	if err := available(a.cfg.Webhook != nil); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxWebhook))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refuse(http.StatusRequestEntityTooLarge, "body_too_large", "A webhook holds at most %d bytes.", maxWebhook)
	case err != nil:
		return nil, refuse(http.StatusServiceUnavailable, "unavailable", "The body did not arrive whole; send it again.")
	}
	err = a.cfg.Webhook(ctx, c.r.Header, body)
	if err == nil {
		return ok(wire.Received{Received: true})
	}
	if p := a.translate(err); p.Status == http.StatusUnauthorized || p.Status == http.StatusServiceUnavailable {
		return nil, p
	}
	// Whatever it is, it may be over the next time.
	a.log.LogAttrs(ctx, slog.LevelError, "webhook was not stored", slog.Any("error", err))
	return nil, refuse(http.StatusServiceUnavailable, "unavailable", "It could not be stored; send it again.")
}
