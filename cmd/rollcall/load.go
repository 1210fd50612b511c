package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	yamlparser "github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"go.yaml.in/yaml/v3"

	"rollcall/store"
)

// Settings is the part of a command line that every command with a configuration has: --config, and one flag for each key.
type Settings struct {
	kong.Plugins
	defaults   [][2]string // other defaults of this command
	anew       bool        // the command makes figures anew: what is configured need not be what they were made with
	ConfigFile string      `name:"config" help:"Configuration file (YAML)." placeholder:"FILE" env:"ROLLCALL_CONFIG"`
}

// newSettings makes the flags from the table of keys.
func newSettings() Settings {
	c := defaults()
	var fields []reflect.StructField
	for i, s := range settings(&c) {
		tag := fmt.Sprintf(`name:%q help:%q placeholder:%q group:"Configuration"`, flagName(s.key), s.help, s.example)
		fields = append(fields, reflect.StructField{Name: "F" + strconv.Itoa(i), Type: reflect.TypeFor[*string](), Tag: reflect.StructTag(tag)})
	}
	return Settings{Plugins: kong.Plugins{reflect.New(reflect.StructOf(fields)).Interface()}}
}

func flagName(key string) string { return strings.NewReplacer(".", "-", "_", "-").Replace(key) }
func envName(key string) string {
	return "ROLLCALL_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// layer is one source of settings.
type layer struct {
	*koanf.Koanf
	where func(key string) string // for messages
}

// problem is one thing wrong with the configuration.
type problem struct{ where, key, text string }

func (p problem) String() string {
	out := p.key + ": " + p.text
	if p.where != "" {
		out = p.where + ": " + out
	}
	return out
}

// load gives the configuration in force and everything wrong with it.
func (s *Settings) load(environ []string) (Config, []problem) {
	c := s.base()
	layers, problems := s.layers(environ)
	apply(&c, layers)
	var builds []store.Build
	if c.StoreKind == kindSQLite {
		var err error
		if builds, err = buildsIn(c.Data); err != nil {
			problems = append(problems, problem{c.Data, "data", err.Error()})
		}
	}
	c = s.base()
	if active, ok := store.ActiveBuild(builds); ok {
		if err := adopt(&c, &active); err != nil {
			problems = append(problems, problem{c.Data, "data", err.Error()})
		}
	}
	for _, l := range layers {
		problems = append(problems, unknownKeys(l)...)
	}
	problems = append(problems, apply(&c, layers)...)
	distribute(&c, layers)
	if !s.anew {
		problems = append(problems, reconcile(&c, builds, c.Data)...)
	}
	return c, append(problems, check(&c)...)
}

// distribute gives what has another default with a log on servers that default: each commit costs several processes a round
// trip, and what comes too late must not touch old days for ever.
func distribute(c *Config, layers []layer) {
	given := func(key string) bool {
		return slices.ContainsFunc(layers, func(l layer) bool { return l.Exists(key) })
	}
	if c.embedded() {
		return
	}
	if !given("commit_interval") {
		c.CommitInterval = time.Second
	}
	if !given("late_horizon") {
		c.LateHorizon = 7 * day
	}
}

// base gives the defaults of this command.
func (s *Settings) base() Config {
	c := defaults()
	for _, set := range settings(&c) {
		for _, d := range s.defaults {
			if d[0] == set.key {
				// They are of this program's making and parse.
				_ = set.value.set(d[1])
			}
		}
	}
	return c
}

// config is load for commands that need it whole.
func (s *Settings) config(environ []string) (Config, error) {
	c, problems := s.load(environ)
	if len(problems) == 0 {
		return c, nil
	}
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.String()
	}
	return c, usageError("configuration: " + strings.Join(lines, "\n  "))
}

func (s *Settings) layers(environ []string) ([]layer, []problem) {
	var layers []layer
	var problems []problem
	if s.ConfigFile != "" {
		l, err := fileLayer(s.ConfigFile)
		if err != nil {
			problems = append(problems, problem{"", "--config", err.Error()})
		} else {
			layers = append(layers, l)
		}
	}
	return append(layers, envLayer(environ), s.flagLayer()), problems
}

func fileLayer(path string) (layer, error) {
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yamlparser.Parser()); err != nil {
		return layer{}, fmt.Errorf("read %s: %w", path, withoutValues(err))
	}
	return layer{k, func(key string) string { return path + lineOf(path, key) }}, nil
}

// quotation is what a message of the YAML parser repeats of the file.
var quotation = regexp.MustCompile("`[^`]*`|'[^']*'|\"[^\"]*\"")

// withoutValues takes what the parser repeats of the file out of its error: it may be part of a password.
func withoutValues(err error) error {
	var access *fs.PathError
	if errors.As(err, &access) {
		return err
	}
	return errors.New(quotation.ReplaceAllString(err.Error(), "…"))
}

// lineOf gives ":line" of a key in a YAML file, or nothing.
func lineOf(path, key string) string {
	data, err := os.ReadFile(path)
	var doc yaml.Node
	if err != nil || yaml.Unmarshal(data, &doc) != nil || len(doc.Content) == 0 {
		return ""
	}
	node, line := doc.Content[0], 0
	for part := range strings.SplitSeq(key, ".") {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Kind == yaml.MappingNode && node.Content[i].Value == part {
				line, node = node.Content[i].Line, node.Content[i+1]
				break
			}
		}
	}
	if line == 0 {
		return ""
	}
	return ":" + strconv.Itoa(line)
}

func envLayer(environ []string) layer {
	c := defaults()
	keys := map[string]string{}
	for _, s := range settings(&c) {
		keys[envName(s.key)] = s.key
	}
	k := koanf.New(".")
	// Reading a list of strings can't fail.
	_ = k.Load(env.Provider(".", env.Opt{
		Prefix:        "ROLLCALL_",
		TransformFunc: func(name, v string) (string, any) { return keys[name], v },
		EnvironFunc:   func() []string { return environ },
	}), nil)
	return layer{k, envName}
}

func (s *Settings) flagLayer() layer {
	c, k := defaults(), koanf.New(".")
	for i, set := range settings(&c) {
		if v := reflect.ValueOf(s.Plugins[0]).Elem().Field(i); !v.IsNil() {
			_ = k.Set(set.key, v.Elem().String())
		}
	}
	return layer{k, func(key string) string { return "--" + flagName(key) }}
}

// apply writes the layers into c, each over the ones before it.
func apply(c *Config, layers []layer) (problems []problem) {
	for _, l := range layers {
		for _, s := range settings(c) {
			if v := l.Get(s.key); v != nil {
				if err := s.value.set(v); err != nil {
					problems = append(problems, problem{l.where(s.key), s.key, err.Error()})
				}
			}
		}
	}
	return problems
}

// unknownKeys names the keys of a layer that mean nothing.
func unknownKeys(l layer) (problems []problem) {
	c := defaults()
	known := []string{}
	for _, s := range settings(&c) {
		known = append(known, s.key)
	}
	for _, key := range l.Keys() {
		if !isKnown(known, key, l.Get(key)) {
			problems = append(problems, problem{l.where(key), key, "unknown key; did you mean " + nearest(key, known) + "?"})
		}
	}
	return problems
}

func isKnown(known []string, key string, v any) bool {
	for _, k := range known {
		empty := v == nil || reflect.ValueOf(v).Kind() == reflect.Map
		if k == key || k == "fields" && strings.HasPrefix(key, "fields.") || empty && strings.HasPrefix(k, key+".") {
			return true
		}
	}
	return false
}

// yamlOf prints the configuration, secrets hidden.
func yamlOf(c *Config) ([]byte, error) {
	k := koanf.New(".")
	for _, s := range settings(c) {
		if err := k.Set(s.key, s.value.plain()); err != nil {
			return nil, fmt.Errorf("print %s: %w", s.key, err)
		}
	}
	return k.Marshal(yamlparser.Parser())
}

// writeFile writes a small file so that a crash leaves the old one or the new one.
func writeFile(path string, body []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(body)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// add gives a key a value as if its flag had it too; an empty one adds nothing.
func (s *Settings) add(key, value string) {
	if value == "" {
		return
	}
	c := defaults()
	for i, set := range settings(&c) {
		if set.key == key {
			flag := reflect.ValueOf(s.Plugins[0]).Elem().Field(i)
			if !flag.IsNil() {
				value = flag.Elem().String() + "," + value
			}
			flag.Set(reflect.ValueOf(&value))
		}
	}
}

// standard gives a key another default: a flag, a variable or the file may still change it.
func (s *Settings) standard(key, value string) {
	s.defaults = append(s.defaults, [2]string{key, value})
}
