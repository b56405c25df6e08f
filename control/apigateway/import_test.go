package apigateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func (g *gateway) importKeys(file string) (ids, warnings []string) {
	g.t.Helper()
	out := g.do("POST", "/apikeys?mode=import&format=csv", file).ok(201)
	for _, id := range out["ids"].([]any) {
		ids = append(ids, id.(string))
	}
	for _, w := range out["warnings"].([]any) {
		warnings = append(warnings, w.(string))
	}
	return ids, warnings
}

func TestImport(t *testing.T) {
	g := newGateway(t)
	prod := g.newPlan(`{"name":"prod","apiStages":[{"apiId":"chat","stage":"prod"}]}`)
	dev := g.newPlan(`{"name":"dev","apiStages":[{"apiId":"chat","stage":"dev"}]}`)
	both := g.newPlan(`{"name":"both","apiStages":[{"apiId":"news","stage":"prod"},{"apiId":"chat","stage":"prod"}]}`)
	old := g.newKey(`{"value":"` + value + `","name":"old","customerId":"c"}`)
	g.join(prod, old).ok(201)

	ids, warnings := g.importKeys("\ufeffName,Key,Description,Enabled,UsagePlanIds,Colour\r\n" +
		"new," + value + ",now described,False,\"" + dev + ", " + both + "\",red\r\n" + // overwrites; both has prod's stage
		"one," + value + "1,,,'" + prod + "," + prod + ",nope'\r\n" +
		"short,tooshort,,,,\r\n" +
		"two," + value + "2,,perhaps,\"" + prod + "," + both + "\"\r\n" +
		"three," + value + "2,the last one wins,TRUE," + both + "\r\n" +
		"four," + value + "4,,,\"a,b,c,d,e,f,g,h,i,j,k\"\r\n" +
		"\"five\"x," + value + "5\r\n" +
		strings.Repeat("x", 1025) + "," + value + "6\r\n")
	for i, want := range []string{
		"Line 2: Usage Plan " + both + " cannot be added because API Key " + old + " cannot reference multiple Usage Plans with the same API stage: chat:prod",
		"Line 3: Invalid Usage Plan ID specified: nope",
		"Line 4: ignored: API Key value should be at least 20 characters",
		"Line 5: Enabled is neither true nor false; the API Key is disabled",
		"Line 5: Usage Plan " + both + " cannot be added because API Key " + ids[2] + " cannot reference multiple Usage Plans with the same API stage: chat:prod",
		"Line 7: UsagePlanIds ignored: an API Key can be in at most 10 Usage Plans",
		"Line 8: ignored: text follows a closing quote",
		"Line 9: ignored: Invalid API Key name, can be at most 1024 characters.",
	} {
		if i >= len(warnings) || warnings[i] != want {
			t.Errorf("warning %d of %q\nwant %s", i, warnings, want)
		}
	}
	if len(ids) != 4 || ids[0] != old {
		t.Fatalf("ids %v, want 4 with %s first", ids, old)
	}
	for i, want := range []string{
		"new c now described false dev,prod",
		"one   true prod",
		"three  the last one wins true both",
		"four   true ",
	} {
		key, err := g.catalog.APIKey(ctx, ids[i])
		if err != nil {
			t.Fatal(err)
		}
		plans, err := g.catalog.KeyPlans(ctx, ids[i])
		if err != nil {
			t.Fatal(err)
		}
		for j, id := range plans {
			plans[j] = map[string]string{prod: "prod", dev: "dev", both: "both"}[id]
		}
		slices.Sort(plans)
		if got := fmt.Sprintf("%s %s %s %t %s", key.Name, key.CustomerID, key.Description, key.Enabled, strings.Join(plans, ",")); got != want {
			t.Errorf("key %d: %q, want %q", i, got, want)
		}
	}
}

// TestImportTwice: the same file changes nothing but the time of the last update.
func TestImportTwice(t *testing.T) {
	g := newGateway(t)
	plan := g.newPlan(`{"name":"p","apiStages":[{"apiId":"chat","stage":"prod"}]}`)
	file := "key,name,usageplanids\n" + value + ",a," + plan + "\n" + value + "2,b,\n"
	first, _ := g.importKeys(file)
	second, warnings := g.importKeys(file)
	if !slices.Equal(first, second) || len(warnings) > 0 {
		t.Errorf("%v, then %v with %v", first, second, warnings)
	}
}

// TestLargeImport: many keys, and large files that hold none.
func TestLargeImport(t *testing.T) {
	g := newGateway(t)
	plan := g.newPlan(`{"name":"p","apiStages":[{"apiId":"chat","stage":"prod"}]}`)
	var b strings.Builder
	b.WriteString("key,name,usageplanids\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "%s%d,key %d,%s\n", value, i, i, plan)
	}
	for range 2 {
		if ids, warnings := g.importKeys(b.String()); len(ids) != 1000 || len(warnings) > 0 {
			t.Fatalf("%d keys, %d warnings", len(ids), len(warnings))
		}
	}
	const (
		most = 10<<20 - 20
		some = 1 << 20
	)
	for name, line := range map[string]string{
		"one line of commas": strings.Repeat(",", most), "quotes": strings.Repeat("'", some-1), "open quotes": strings.Repeat(",\"", some),
		"a long value": strings.Repeat("x", most),
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			if ids, warnings := g.importKeys("key,name\n" + line + "\n"); len(ids) > 0 || len(warnings) != 1 || len(warnings[0]) > 200 {
				t.Errorf("%d keys, %d warnings", len(ids), len(warnings))
			}
		})
	}
}
