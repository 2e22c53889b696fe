// SPDX-License-Identifier: Apache-2.0

import Glibc
import ResNetPlatform
import ResNetQuantization
import Synchronization

/// Tells on stderr what a long command is doing: one line that is rewritten on a terminal, a line
/// every few seconds elsewhere.
final class Progress: Sendable {
  private struct State {
    var title = ""
    var total = 0
    var start = ContinuousClock.now
    var lastReport = ContinuousClock.now
    var isLineOpen = false
  }

  private let state = Mutex(State())
  private let isQuiet: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  /// Starts a part of the work; `total` is the number of items, if they are counted.
  func begin(_ title: String, total: Int = 0) {
    end()
    state.withLock { $0 = State(title: title, total: total) }
    if isTerminal { report(title, closesLine: false) }
  }

  /// Tells that `done` items of the part are done.
  func advance(to done: Int) {
    let text: String? = state.withLock { state in
      let now = ContinuousClock.now
      let interval: Duration = isTerminal ? .milliseconds(200) : .seconds(5)
      guard now - state.lastReport >= interval || (isTerminal && done == state.total)
      else { return nil }
      state.lastReport = now
      let seconds = (now - state.start) / .seconds(1)
      let rate = Double(done) / max(seconds, 1e-9)
      let remaining = Double(state.total - done) / max(rate, 1e-9)
      return state.title
        + String(
          printf: " %d of %d, %.1f a second, %.0f s left", done, state.total, rate, remaining)
    }
    if let text { report(text, closesLine: !isTerminal) }
  }

  /// Tells what the library does.
  var callback: QuantizationProgress {
    { stage, done, total in
      if done == 0 { self.begin(stage, total: total) } else { self.advance(to: done) }
    }
  }

  /// Ends the line of the last part.
  func end() {
    let wasOpen = state.withLock { state in
      defer { state.isLineOpen = false }
      return state.isLineOpen
    }
    if wasOpen { writeError("\r\u{1B}[K") }
  }

  private func report(_ text: String, closesLine: Bool) {
    guard !isQuiet else { return }
    state.withLock { $0.isLineOpen = !closesLine }
    let line = String(text, as: .line)
    writeError(closesLine ? "\(line)\n" : "\r\(line)\u{1B}[K")
  }
}
