package compare

import (
	"math"
	"testing"
)

func text(s string) value { return value{class: classText, data: []byte(s)} }

func real(f float64) value { return value{class: classReal, real: f} }

func integer(s string) value { return value{class: classInt, data: []byte(s)} }

func blob(b ...byte) value { return value{class: classBlob, data: b} }

func TestRule_WritesEqualValuesAlike(t *testing.T) {
	for _, c := range []struct {
		rule rule
		a, b value
	}{
		{ruleNumber, text("1.50"), text("1.5")},
		{ruleNumber, text("-0.00"), integer("0")},
		{ruleNumber, text("1e2"), integer("100")},
		{ruleNumber, text("12E-4"), text(".0012")},
		{ruleNumber, text("0.1"), real(0.1)},
		{ruleNumber, text("1e+300"), real(1e300)},
		{ruleNumber, text("NaN"), text("nan")},
		{ruleBool, text("t"), integer("1")},
		{ruleBool, text("f"), text("false")},
		{ruleTimestamp, text("2024-02-29 12:00:00.100"), text("2024-02-29T12:00:00.1")},
		{ruleTimestamp, text("0044-03-15 10:00:00 BC"), text("-0043-03-15 10:00:00")},
		{ruleInstant, text("2024-01-01 00:30:00+00"), text("2023-12-31 19:00:00-05:30")},
		{ruleInstant, text("2024-01-01 00:30:00.25+00"), text("2024-01-01T00:30:00.250Z")},
		{ruleInstant, text("2024-01-01 00:30:00+00"), text("2024-01-01 00:30:00")},
		{ruleDate, text("0044-03-15 BC"), text("-0043-03-15")},
		{ruleTime, text("24:00"), text("24:00:00.000")},
		{ruleTimeTZ, text("10:00:00+02"), text("10:00:00.0 +02:00")},
		{ruleInterval, text("P1Y2M3DT4H5M6.7S"), text("P14M3DT14706.700S")},
		{ruleInterval, text("PT0S"), text("P0D")},
		{ruleUUID, text("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), text("a0eebc999c0b4ef8bb6d6bb9bd380a11")},
		{ruleBytes, text(`\x00ff`), blob(0, 0xff)},
		{rulePadded, text("ab  "), text("ab")},
		{ruleText, text("x"), text("x")},
		{ruleDuration, text("-838:59:59.500000"), text("PT-838H-59M-59.5S")},
		{ruleDuration, text("24:00:00"), text("24:00:00.0")},
		{ruleBits, text("00101"), integer("5")},
		{ruleBits, blob(0, 5), integer("5")},
		{ruleGeometry, text("0101AF"), blob(1, 1, 0xaf)},
		{ruleJSON, text(`{"b": [1.50, "\u00e9"], "a": {}}`), text(`{"a":{},"b":[15e-1,"é"]}`)},
		{ruleJSON, text(` null `), text(`null`)},
	} {
		a, b := string(c.rule.write(nil, c.a, false)), string(c.rule.write(nil, c.b, false))
		if a != b {
			t.Errorf("rule %d: %q and %q are written %q and %q", c.rule, c.a.data, c.b.data, a, b)
		}
	}
}

func TestRule_WritesDifferentValuesApart(t *testing.T) {
	null := value{class: classNull}
	for _, c := range []struct {
		rule rule
		a, b value
	}{
		{ruleNumber, text("1.50"), text("1.05")},
		{ruleNumber, text("1"), text("-1")},
		{ruleNumber, text("0.30000000000000004"), real(0.3)},
		{ruleNumber, text("1e400"), text("1e399")},
		{ruleNumber, text(""), integer("0")},
		{ruleBool, text("t"), integer("0")},
		{ruleBool, text("t"), integer("2")},
		{ruleTimestamp, text("2024-02-29 12:00:00"), text("2024-02-29 12:00:00.000001")},
		{ruleTimestamp, text("0044-03-15 10:00:00 BC"), text("0044-03-15 10:00:00")},
		{ruleInstant, text("2024-01-01 00:30:00+00"), text("2024-01-01 00:30:00+01")},
		{ruleTimeTZ, text("10:00:00+02"), text("08:00:00+00")},
		{ruleInterval, text("P1M"), text("P30D")},
		{ruleInterval, text("PT-1.5S"), text("PT1.5S")},
		{ruleBytes, text(`\x00ff`), blob(0, 0xfe)},
		{rulePadded, text(" ab"), text("ab")},
		{ruleText, text("a "), text("a")},
		{ruleDuration, text("-00:00:00.12"), text("00:00:00.12")},
		{ruleDuration, text("10:00:00"), text("P10D")},
		{ruleBits, text("101"), integer("101")},
		{ruleBits, text(""), integer("0")},
		{ruleJSON, text(`{"a": 1, "a": 2}`), text(`{"a": 2}`)},
		{ruleJSON, text(`{"a": 1, "a": 2}`), text(`{"a": 2, "a": 1}`)},
		{ruleJSON, text(`[1, 2]`), text(`[2, 1]`)},
		{ruleJSON, text(`"1"`), text(`1`)},
		{ruleJSON, text(`{"a": null}`), text(`{}`)},
		{ruleJSON, text(`1 2`), text(`1`)},
		{ruleJSON, text("{"), text(`{}`)},
		{ruleText, text("a"), text("A")},
		{ruleText, text(""), null},
		{ruleText, text(`\N`), null},
		{ruleVerbatim, text("1"), integer("1")},
		{ruleVerbatim, real(0), value{class: classReal, real: negativeZero()}},
	} {
		a, b := string(c.rule.write(nil, c.a, false)), string(c.rule.write(nil, c.b, false))
		if a == b {
			t.Errorf("rule %d: %q and %q are both written %q", c.rule, c.a.data, c.b.data, a)
		}
	}
}

func negativeZero() float64 { return math.Copysign(0, -1) }

func TestRule_WidensFloat4(t *testing.T) {
	a := string(ruleFloat32.write(nil, text("0.1"), true))
	b := string(ruleFloat32.write(nil, real(float64(float32(0.1))), false))
	if a != b {
		t.Errorf("float4 0.1 is written %s, the double of it %s", a, b)
	}
}

func TestRule_KeepsRowsOnOneLineAndValuesApart(t *testing.T) {
	got := string(ruleText.write(nil, text("a\tb\nc\\d\x00"), false))
	if want := `a\tb\nc\\d\0`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRuleFor_Pairs(t *testing.T) {
	pg := func(typ string) column { return column{engine: enginePostgres, typ: typ} }
	lite := column{engine: engineSQLite}
	my := func(base string) column { return column{engine: engineMySQL, base: base, typ: base} }
	for _, c := range []struct {
		a, b column
		want rule
	}{
		{pg("numeric(10,2)"), pg("numeric(10,2)"), ruleVerbatim},
		{pg("numeric(10,2)"), pg("numeric"), ruleNumber},
		{pg("integer"), pg("bigint"), ruleNumber},
		{pg("real"), pg("double precision"), ruleFloat32},
		{lite, lite, ruleVerbatim},
		{lite, pg("timestamp(3) without time zone"), ruleTimestamp},
		{pg("timestamp with time zone"), lite, ruleInstant},
		{pg("character(4)"), pg("text"), rulePadded},
		{pg("character varying(4)"), lite, ruleText},
		{pg("jsonb"), lite, ruleJSON},
		{pg("json"), lite, ruleText},
		{my("bigint"), pg("numeric(20,0)"), ruleNumber},
		{my("tinyint"), pg("boolean"), ruleBool},
		{my("time"), pg("interval"), ruleDuration},
		{my("time"), lite, ruleDuration},
		{my("timestamp"), pg("timestamp with time zone"), ruleInstant},
		{pg("timestamp with time zone"), my("datetime"), ruleInstant},
		{my("datetime"), pg("timestamp without time zone"), ruleTimestamp},
		{my("json"), my("longtext"), ruleJSON},
		{my("longtext"), pg("json"), ruleText},
		{my("longtext"), pg("jsonb"), ruleJSON},
		{my("varchar"), pg("interval"), ruleInterval},
		{my("char"), pg("character(4)"), rulePadded},
		{my("point"), pg("geometry(Point,4326)"), ruleGeometry},
		{my("int"), my("int"), ruleVerbatim},
		{my("int"), my("varchar"), ruleText},
		{pg("integer"), pg("text"), ruleText},
	} {
		if got := ruleFor(c.a, c.b); got != c.want {
			t.Errorf("%v with %v: rule %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
