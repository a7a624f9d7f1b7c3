package grafana

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	gapi "github.com/grafana/grafana-api-golang-client"

	"hadron/dashgen"
	"hadron/runtime/delivery"
)

// Annotate marks a change on the dashboard of its function, once: with again it looks
// first whether the mark, known by a tag, is there already. Of a function without a
// dashboard the mark is of no dashboard, and found by its tags.
func (t *Target) Annotate(ctx context.Context, n delivery.Notice, again bool) error {
	c, err := newClient(ctx, t.cfg.URL, t.transport)
	if err != nil {
		return err
	}
	mark := t.marker + "-change-" + strconv.FormatInt(n.Cursor, 10)
	if again {
		found, err := c.api.Annotations(url.Values{"tags": {mark}, "limit": {"1"}})
		if err != nil {
			return told("look for annotation", err)
		}
		if len(found) > 0 {
			return nil
		}
	}
	a := &gapi.Annotation{
		DashboardUID: dashgen.UID(t.cfg.Installation, n.Function), Time: n.Time.UnixMilli(), Text: annotationText(n),
		Tags: []string{"hadron", "deployment", n.Kind, "function:" + string(n.Function), mark},
	}
	_, err = c.api.NewAnnotation(a)
	if statusOf(err) == http.StatusNotFound || statusOf(err) == http.StatusBadRequest {
		a.DashboardUID = ""
		_, err = c.api.NewAnnotation(a)
	}
	switch status := statusOf(err); {
	case err == nil:
		return nil
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: %w", delivery.ErrUnwanted, told("write annotation", err))
	}
	return told("write annotation", err)
}

// markup are the characters that would be HTML in Grafana's tooltip.
var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

func annotationText(n delivery.Notice) string {
	text := n.Text
	if n.By != "" {
		text += ", by " + n.By
	}
	if n.Message != "" {
		text += ": " + n.Message
	}
	return markup.Replace(text)
}
