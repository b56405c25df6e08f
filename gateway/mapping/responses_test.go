package mapping_test

import (
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/mapping"
)

func TestChoose(t *testing.T) {
	r, err := mapping.CompileResponses([]sockgate.IntegrationResponse{{Key: `/4\d\d/`}, {Key: `/40[0-9]/`}, {Key: `/2/`}, {Key: "$default"}}, nil)
	if err != nil || r.Len() != 4 {
		t.Fatalf("%d responses, %v", r.Len(), err)
	}
	for value, want := range map[string]string{"404": `/4\d\d/`, "418": `/4\d\d/`, "200": "$default", "2": "/2/", "": "$default", "4044": "$default"} {
		if got := r.Choose(value); got == nil || got.Key != want {
			t.Errorf("Choose(%q) = %v, want %s", value, got, want)
		}
	}
	r, err = mapping.CompileResponses([]sockgate.IntegrationResponse{{Key: `/2\d\d/`}}, nil)
	if err != nil || r.Choose("500") != nil {
		t.Errorf("without a default: %v, %v", r.Choose("500"), err)
	}
}

func TestResponsesThatDoNotCompile(t *testing.T) {
	for _, in := range []sockgate.IntegrationResponse{
		{Key: "200"},
		{Key: "/(/"},
		{Key: "/(?=x)/"}, // look-ahead is Java's, not RE2's
		{Key: "$default", ResponseTemplates: map[string]string{"$default": "#if("}},
		{Key: "$default", ResponseParameters: map[string]string{"route.response.body": "'x'"}},
		{Key: "$default", ResponseParameters: map[string]string{"route.response.header.X": "nonsense"}},
		{Key: "$default", ResponseParameters: map[string]string{"route.response.header.X": "context.nonsense"}},
	} {
		_, err := mapping.CompileResponses([]sockgate.IntegrationResponse{in}, nil)
		if err == nil || sockgate.KindOf(err) != sockgate.Invalid || !strings.Contains(err.Error(), in.Key) {
			t.Errorf("%+v: %v, want Invalid that names %s", in, err, in.Key)
		}
	}
}

func TestHeaders(t *testing.T) {
	h, err := mapping.CompileHeaders(map[string]string{
		"route.response.header.Literal":  "'chat'",
		"method.response.header.Stage":   "stageVariables.env",
		"route.response.header.Backend":  "integration.response.header.x-proto",
		"route.response.header.Path":     "integration.response.body.a.b",
		"route.response.header.Body":     "integration.response.body",
		"route.response.header.Context":  "context.stage",
		"route.response.header.Missing":  "integration.response.header.none",
		"route.response.header.Injected": "integration.response.header.evil",
	}, map[string]string{"env": "dev"})
	if err != nil {
		t.Fatal(err)
	}
	a := &mapping.Answer{Event: event(), Body: []byte(`{"a":{"b":"deep"}}`), Header: sockgate.Headers{{Name: "X-Proto", Value: "v1"}, {Name: "evil", Value: "a\r\nb: c"}}}
	for name, want := range map[string]string{"literal": "chat", "stage": "dev", "Backend": "v1", "Path": "deep", "Context": "dev", "Missing": "", "Injected": "", "Unknown": ""} {
		if got := h.Get(name, a); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestConvert(t *testing.T) {
	if b, err := mapping.ToText.Convert([]byte{0xff, 0}); err != nil || string(b) != "/wA=" {
		t.Errorf("to text: %s, %v", b, err)
	}
	if b, err := mapping.ToBinary.Convert([]byte("/wA=")); err != nil || string(b) != "\xff\x00" {
		t.Errorf("to binary: %q, %v", b, err)
	}
	if _, err := mapping.ToBinary.Convert([]byte("no base64!")); err == nil || sockgate.KindOf(err) != sockgate.Internal {
		t.Errorf("to binary of other text: %v, want Internal", err)
	}
	if b, err := mapping.Content("").Convert([]byte("same")); err != nil || string(b) != "same" {
		t.Errorf("neither: %s, %v", b, err)
	}
}
