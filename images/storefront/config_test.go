package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// mountConfig makes a folder as the kubelet mounts a ConfigMap: files are links through ..data.
func mountConfig(t *testing.T, version, greeting string) {
	t.Helper()
	data := filepath.Join(configFolder, version)
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "greeting"), []byte(greeting), 0o644); err != nil {
		t.Fatal(err)
	}
	_ = os.Symlink("..data/greeting", filepath.Join(configFolder, "greeting")) // there from the second time on
	temporary := filepath.Join(configFolder, "..data_tmp")
	if err := os.Symlink(version, temporary); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(configFolder, "..data")); err != nil {
		t.Fatal(err)
	}
}

func TestConfigShowsTheSwapOfAMountedConfigMap(t *testing.T) {
	configFolder = t.TempDir()
	a, _ := testApp("v1")
	for _, version := range []string{"..2026_01", "..2026_02"} {
		mountConfig(t, version, "hello from "+version+"\n")
		var shown struct {
			Greeting map[string]string
			Files    []configFile
		}
		if err := json.Unmarshal(ask(a, "GET", "/config").Body.Bytes(), &shown); err != nil {
			t.Fatal(err)
		}
		if len(shown.Files) != 1 || shown.Files[0].Resolved != filepath.Join(configFolder, version, "greeting") {
			t.Fatalf("files are %+v", shown.Files)
		}
		if shown.Greeting["value"] != "hello from "+version || shown.Greeting["from"] != "file" {
			t.Errorf("greeting is %v", shown.Greeting)
		}
		changed, err := time.Parse(timeLayout, shown.Files[0].Changed)
		if err != nil || time.Since(changed) > time.Minute {
			t.Errorf("changed is %q: %v", shown.Files[0].Changed, err)
		}
	}
}

func TestArgumentWinsOverFileOverEnvironment(t *testing.T) {
	configFolder = t.TempDir()
	config := configuration{}
	check := func(want string) {
		t.Helper()
		if _, from := config.greeting(); from != want {
			t.Errorf("greeting comes from %s, want %s", from, want)
		}
	}
	check("default")
	t.Setenv("SHOP_GREETING", "hi")
	check("env")
	mountConfig(t, "..1", "hi")
	check("file")
	config.flagGreeting = "hi"
	check("args")
}

func TestOnlyTheShopsOwnEnvironmentIsShown(t *testing.T) {
	configFolder = t.TempDir()
	t.Setenv("SHOP_COLOR", "green")
	t.Setenv("TOKEN", "secret")
	env := shopEnv()
	if env["SHOP_COLOR"] != "green" || len(env) != 1 {
		t.Errorf("env is %v", env)
	}
}
