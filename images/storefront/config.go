package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	envPrefix       = "SHOP_"
	defaultGreeting = "Everything for the next hop."
)

var configFolder = "/etc/shop"

// configuration is what the process was started with; files are read anew for each request.
type configuration struct {
	args         []string
	flagGreeting string
}

// configFile is one file of /etc/shop; Resolved shows the ..data link that the kubelet swaps.
type configFile struct {
	Path     string `json:"path"`
	Content  string `json:"content"`
	Changed  string `json:"changed"`
	Resolved string `json:"resolved"`
}

// greeting returns the sentence at the top of the shop, and where it comes from.
// The argument wins, then the file, then the environment variable.
func (c configuration) greeting() (text, from string) {
	if c.flagGreeting != "" {
		return c.flagGreeting, "args"
	}
	if data, err := os.ReadFile(filepath.Join(configFolder, "greeting")); err == nil {
		return strings.TrimSpace(string(data)), "file"
	}
	if value := os.Getenv(envPrefix + "GREETING"); value != "" {
		return value, "env"
	}
	return defaultGreeting, "default"
}

// showConfig tells all that was read, from where, and when each file last changed.
func (a *app) showConfig(w http.ResponseWriter, _ *http.Request) {
	text, from := a.config.greeting()
	writeJSON(w, map[string]any{
		"pod":      a.who.Pod,
		"time":     stamp(time.Now()),
		"greeting": map[string]string{"value": text, "from": from},
		"args":     slices.Concat([]string{}, a.config.args),
		"env":      shopEnv(),
		"files":    configFiles(),
	})
}

func shopEnv() map[string]string {
	found := map[string]string{}
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, envPrefix) {
			found[name] = value
		}
	}
	return found
}

// configFiles reads /etc/shop; the kubelet's own entries there begin with two dots.
func configFiles() []configFile {
	files := []configFile{}
	entries, err := os.ReadDir(configFolder)
	if err != nil {
		return files // no ConfigMap is mounted
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "..") {
			continue
		}
		if file, ok := readConfigFile(filepath.Join(configFolder, entry.Name())); ok {
			files = append(files, file)
		}
	}
	return files
}

func readConfigFile(path string) (configFile, bool) {
	status, err := os.Stat(path)
	if err != nil || !status.Mode().IsRegular() {
		return configFile{}, false
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return configFile{}, false
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return configFile{}, false // swapped in between; the next request sees the new one
	}
	return configFile{path, string(data), stamp(status.ModTime()), resolved}, true
}
