// Package dashboard is the web app that people look at. Its sources are in web, its build is in dist, embedded and served
// as it is. It asks the HTTP API for everything it shows and holds no figure itself.
//
// Invariants:
//
//   - the build is that of the sources: scripts/dashboard builds again and compares;
//   - the app loads nothing from another host and runs no inline script or style, and its content security policy
//     holds it to that;
//   - what is shown follows from the URL alone, so that a link shows the same to everyone;
//   - values are written as text: no markup is made from data.
//
// When the API can't answer, the app says what it was told and goes on trying; what it showed before stays, marked.
package dashboard
