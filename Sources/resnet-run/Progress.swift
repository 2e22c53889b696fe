// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlatform

/// How far an evaluation is, on standard error: one line that changes on a terminal, else a line
/// every few seconds.
struct Progress {
  private let total: Int
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var lastTime = rn_monotonic_ns()
  private var isShown = false

  init(total: Int) { self.total = total }

  /// Shows a score, unless that was done a moment ago.
  mutating func show(_ score: Score) {
    let now = rn_monotonic_ns()
    guard now - lastTime >= (isTerminal ? 200_000_000 : 5_000_000_000) else { return }
    lastTime = now
    var line = TextLine()
    // Back to the first column, and the old line erased.
    if isTerminal { line.append("\r\u{1B}[K") }
    line.append("\(score.images + score.unreadable) of \(total) images")
    if score.images > 0 { line.append(", top-1 \(score.top1, decimals: 4)") }
    if isTerminal {
      line.write(to: STDERR_FILENO)
      isShown = true
    } else {
      line.writeLine(to: STDERR_FILENO)
    }
  }

  /// Takes the line off the terminal, to make place for another.
  mutating func clear() {
    guard isShown else { return }
    var line = TextLine()
    line.append("\r\u{1B}[K")
    line.write(to: STDERR_FILENO)
    isShown = false
  }
}
