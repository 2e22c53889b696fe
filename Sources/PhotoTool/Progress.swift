// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
public import ResNetPlatform

/// How far work on many photos is, on standard error: one line that changes on a terminal, else a line
/// every few seconds.
public struct Progress {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var lastTime = rn_monotonic_ns()
  private var isShown = false

  public init() {}

  /// Shows a line, unless that was done a moment ago.
  public mutating func show(_ text: () -> TextLine) {
    let now = rn_monotonic_ns()
    guard now - lastTime >= (isTerminal ? 200_000_000 : 5_000_000_000) else { return }
    lastTime = now
    var line = TextLine()
    // Back to the first column, and the old line erased.
    if isTerminal { line.append("\r\u{1B}[K") }
    line.append(text())
    if isTerminal {
      line.write(to: STDERR_FILENO)
      isShown = true
    } else {
      line.writeLine(to: STDERR_FILENO)
    }
  }

  /// Takes the line off the terminal, to make place for another.
  public mutating func clear() {
    guard isShown else { return }
    var line = TextLine()
    line.append("\r\u{1B}[K")
    line.write(to: STDERR_FILENO)
    isShown = false
  }
}
