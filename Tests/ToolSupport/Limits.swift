// SPDX-License-Identifier: Apache-2.0

import Foundation

extension Tool {
  /// Runs the tool to whatever end under a limit, which is an option of `prlimit`.
  ///
  /// Root is bound by no limit on processes: so it becomes another user, who still may read and write all files.
  package func end(_ arguments: [String], under limit: String) throws -> ToolResult {
    let user =
      geteuid() == 0
      ? "setpriv --reuid=65534 --clear-groups --inh-caps=+dac_override --ambient-caps=+dac_override"
      : ""
    let script = "exec \(user) prlimit \(limit) -- \"$0\" \"$@\""
    return try Tool(url: URL(fileURLWithPath: "/bin/sh")).end(["-c", script, url.path] + arguments)
  }
}
