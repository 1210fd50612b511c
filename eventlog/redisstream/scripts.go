package redisstream

import (
	"crypto/sha1" //nolint:gosec // it is how Redis names scripts
	_ "embed"
	"encoding/hex"

	"github.com/redis/rueidis"
)

var (
	//go:embed scripts/found.lua
	foundText string
	//go:embed scripts/append.lua
	appendText string
	//go:embed scripts/fetch.lua
	fetchText string
	//go:embed scripts/bounds.lua
	boundsText string
	//go:embed scripts/behind.lua
	behindText string
	//go:embed scripts/report.lua
	reportText string
	//go:embed scripts/turn.lua
	turnText string
	//go:embed scripts/give.lua
	giveText string
)

// scripts run at the server, each as one command.
type scripts struct {
	found, fetch, bounds, behind, report, turn, give *rueidis.Lua
	appendSum                                        string // SHA-1 of appendText
}

func newScripts() scripts {
	sum := sha1.Sum([]byte(appendText)) //nolint:gosec // as above
	return scripts{appendSum: hex.EncodeToString(sum[:]),
		found: rueidis.NewLuaScript(foundText), fetch: rueidis.NewLuaScriptReadOnly(fetchText),
		bounds: rueidis.NewLuaScriptReadOnly(boundsText), behind: rueidis.NewLuaScriptReadOnly(behindText), report: rueidis.NewLuaScript(reportText),
		turn: rueidis.NewLuaScript(turnText), give: rueidis.NewLuaScript(giveText)}
}
