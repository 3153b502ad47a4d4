package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/truecount/truecount/internal/scale/replay"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"clock":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	"minutes": Minutes,
	"colour":  colour,
	"first":   func(n int, events []replay.Event) []replay.Event { return events[:min(n, len(events))] },
	"over":    func(n int, s replay.Scenario) int { return max(0, len(s.Events)-n) + s.MoreEvent },
	"sign":    sign,
}).Parse(pageHTML))

// maxRows is how many events of a scenario the page shows.
const maxRows = 300

// Write writes the page.
func Write(out io.Writer, r *replay.Report) error {
	sum := sha256.Sum256([]byte(pageCSS))
	var page bytes.Buffer // a page that fails half way is not written
	err := pageTemplate.Execute(&page, map[string]any{
		"Report":  r,
		"Policy":  "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		"Style":   template.CSS(pageCSS), // our own, byte for byte: the policy has its hash
		"Charts":  charts(r),
		"MaxRows": maxRows,
	})
	if err != nil {
		return fmt.Errorf("the page could not be written: %w", err)
	}
	_, err = out.Write(page.Bytes())
	return err
}

// Minutes writes a number of minutes for people.
func Minutes(m float64) string {
	switch {
	case m == 0:
		return "0"
	case m < 1:
		return fmt.Sprintf("%.0f s", m*60)
	case m < 120:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", m), ".0") + " min"
	}
	return fmt.Sprintf("%.1f h", m/60)
}

// colours is how many the style has.
const colours = 10

func colour(i int) string { return fmt.Sprintf("s%d", i%colours) }

func sign(k replay.EventKind) string {
	switch k {
	case replay.ScaledUp:
		return "▲ up"
	case replay.ScaledDown:
		return "▼ down"
	case replay.Holding:
		return "■ held"
	}
	return "▶ known again"
}
