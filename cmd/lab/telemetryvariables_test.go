package main

import (
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"reliability/internal/serve"
	"reliability/internal/telemetry"
)

// telemetrySources are the files of the SDK that read variables and are in use here.
func telemetrySources(t *testing.T) []string {
	t.Helper()
	const otel = "go.opentelemetry.io/"
	var files []string
	for _, source := range [][]string{
		{otel + "otel/sdk/resource", "env.go"},
		{otel + "contrib/exporters/autoexport", "spans.go"},
		{otel + "otel/exporters/otlp/otlptrace/otlptracehttp", "doc.go"},
		{otel + "otel/sdk/trace", "sampler_env.go"},
		{otel + "otel/sdk/trace/internal/env", "env.go"},
	} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", source[0]).Output()
		if err != nil {
			t.Fatal(source[0], err)
		}
		files = append(files, filepath.Join(strings.TrimSpace(string(out)), source[1]))
	}
	return files
}

// A telemetryVariable is one of the standard ones, or two that mean the same.
type telemetryVariable struct{ value, meaning string }

// described are those of which the SDK's source does not say what they do here.
func described(t *testing.T) map[string]telemetryVariable {
	t.Helper()
	number := strconv.Itoa
	const second = " The second one takes precedence."
	return map[string]telemetryVariable{
		"OTEL_SERVICE_NAME":        {"", "the service's name, instead of `caller` or `flaky`"},
		"OTEL_RESOURCE_ATTRIBUTES": {"", "attributes of the service, such as `deployment.environment.name=test,team=blue`"},

		"OTEL_TRACES_EXPORTER": {"otlp", "where spans go: `otlp`, `console` or `none`"},
		"OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": {"http/protobuf", "how spans are sent: `http/protobuf` or `grpc`." + second},

		"OTEL_TRACES_SAMPLER":     {"parentbased_always_on", "which traces are recorded: `always_on`, `always_off`, `traceidratio`, or one of them after `parentbased_`"},
		"OTEL_TRACES_SAMPLER_ARG": {"1", "the share of traces that `traceidratio` records, 0 to 1"},

		"OTEL_BSP_SCHEDULE_DELAY":        {number(sdktrace.DefaultScheduleDelay), "milliseconds after which spans are sent"},
		"OTEL_BSP_EXPORT_TIMEOUT":        {number(sdktrace.DefaultExportTimeout), "milliseconds that sending may take"},
		"OTEL_BSP_MAX_QUEUE_SIZE":        {number(sdktrace.DefaultMaxQueueSize), "spans that wait to be sent; more are dropped"},
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": {number(sdktrace.DefaultMaxExportBatchSize), "spans that are sent at once, at most so many as may wait"},

		"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT, OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": {longestAttribute(t), "characters of an attribute's text; what follows is cut off." + second},
		"OTEL_ATTRIBUTE_COUNT_LIMIT, OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT":               {number(sdktrace.DefaultAttributeCountLimit), "attributes of a span." + second},

		"OTEL_SPAN_EVENT_COUNT_LIMIT":      {number(sdktrace.DefaultEventCountLimit), "events of a span"},
		"OTEL_SPAN_LINK_COUNT_LIMIT":       {number(sdktrace.DefaultLinkCountLimit), "links of a span"},
		"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": {number(sdktrace.DefaultAttributePerEventCountLimit), "attributes of an event"},
		"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT":  {number(sdktrace.DefaultAttributePerLinkCountLimit), "attributes of a link"},
	}
}

// longestAttribute is how much is kept of an attribute's text where no variable says so.
func longestAttribute(t *testing.T) string {
	t.Helper()
	tel, err := telemetry.New(t.Context(), telemetry.Config{Service: "caller", Store: telemetry.NewStore(), LogOutput: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.Tracers.Tracer("test").Start(t.Context(), "long", trace.WithAttributes(attribute.String("key", strings.Repeat("x", 1<<20))))
	span.End()
	kept := span.(sdktrace.ReadOnlySpan).Attributes()[0].Value.AsString()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	return strconv.Itoa(len(kept))
}

// telemetryVariables are all that the sources name. What is said of them is this page's,
// or the exporter's.
func telemetryVariables(t *testing.T) map[string]telemetryVariable {
	t.Helper()
	for _, limit := range []string{"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"} {
		t.Setenv(limit, "")
	}
	all := described(t)
	inPairs := map[string]bool{} // names that are described
	for names := range all {
		for name := range strings.SplitSeq(names, ", ") {
			inPairs[name] = true
		}
	}
	read := map[string]bool{}
	for _, source := range telemetrySources(t) {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\bOTEL_[A-Z_]+[A-Z]\b`).FindAllString(string(text), -1)
		if len(names) == 0 {
			t.Errorf("%s names no variable any more", source)
		}
		for _, name := range names {
			read[name] = true
		}
		inProse(string(text), func(names string, v telemetryVariable) {
			if _, ours := all[names]; !ours {
				all[names] = v
				for name := range strings.SplitSeq(names, ", ") {
					inPairs[name] = true
				}
			}
		})
	}
	for name := range read {
		if !inPairs[name] {
			t.Errorf("the SDK reads %s, and nobody says what it is for", name)
		}
	}
	for name := range inPairs {
		if !read[name] {
			t.Errorf("the SDK does not read %s any more", name)
		}
	}
	return all
}

// inProse finds variables in paragraphs such as
//
//	OTEL_A, OTEL_B (default: "x") -
//	what it is for.
//	More.
func inProse(text string, add func(names string, v telemetryVariable)) {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		m := regexp.MustCompile(`(?s)^(OTEL_[A-Z_, ]+) \(default: ([^)]*)\) -\n(.*)$`).FindStringSubmatch(paragraph)
		if m == nil {
			continue
		}
		// How it is overridden by code is not for those who set variables.
		meaning, _, _ := strings.Cut(m[3], "The configuration can be overridden")
		value := strings.Trim(m[2], `"`)
		if value == "none" {
			value = ""
		}
		add(m[1], telemetryVariable{value, regexp.MustCompile(`\[([^\]]+)\]`).ReplaceAllString(flat(meaning), "$1")})
	}
}

func telemetryTable(t *testing.T) string {
	all := telemetryVariables(t)
	var rows [][]string
	for _, names := range slices.Sorted(maps.Keys(all)) {
		rows = append(rows, []string{"`" + strings.ReplaceAll(names, ", ", "`, `") + "`", code(all[names].value), all[names].meaning})
	}
	return table([]string{"variable", "default", "what it is for"}, rows)
}

// exportedBy says which of the variables let spans leave the process.
func exportedBy(t *testing.T) string {
	names := strings.Split(strings.Join(slices.Sorted(maps.Keys(telemetryVariables(t))), ", "), ", ")
	for _, name := range names {
		t.Setenv(name, "")
	}
	var ask []string
	for _, name := range names {
		t.Setenv(name, "x")
		if serve.ExportConfigured() {
			ask = append(ask, code(name))
		}
		t.Setenv(name, "")
	}
	if len(ask) < 2 {
		t.Fatalf("variables that make spans leave: %v", ask)
	}
	last := len(ask) - 1
	return "Spans leave the process if one of " + strings.Join(ask[:last], ", ") + " and " + ask[last] + " is set.\nOtherwise they stay in memory.\n"
}
