package sqlsource

import (
	"os"
	"testing"

	"rollcall/store/mysql/mysqltest"
)

var server *mysqltest.Server

func TestMain(m *testing.M) {
	os.Exit(mysqltest.Main(m, func(s *mysqltest.Server) { server = s }))
}
