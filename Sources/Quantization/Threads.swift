// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How many threads the system starts at a time, at most `wanted` and with the calling one at least 1: limits on
/// processes or on memory may leave room for fewer.
///
/// Whatever takes a number of threads goes on with those that it gets, and its results do not depend on it. This
/// tells before, so that a program can say so.
///
/// - **Allocates:** for a moment the stacks of the threads, of which nothing is touched.
public func availableThreadCount(_ wanted: Int) -> Int { onThreads(wanted) {} }

/// Runs `body` once on the calling thread and on each of up to `count` - 1 others, and waits for all of them.
///
/// Dispatch does not serve: where no thread can be made, it waits for one without end.
///
/// - Returns: on how many threads it ran.
@discardableResult
func onThreads(_ count: Int, _ body: @Sendable () -> Void) -> Int {
  withoutActuallyEscaping(body) { body in
    let work = SharedWork(body)
    // Nobody begins before all are there: a thread that ended would leave its place to another.
    pthread_mutex_lock(work.gate)
    var threads: [pthread_t] = []
    // Signals are for the main thread, which knows what to do about a half-written file.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    while threads.count < count - 1 {
      var thread = pthread_t()
      let error = pthread_create(
        &thread, nil,
        { work in
          let work = Unmanaged<SharedWork>.fromOpaque(work!).takeUnretainedValue()
          pthread_mutex_lock(work.gate)
          pthread_mutex_unlock(work.gate)
          work.body()
          return nil
        }, Unmanaged.passUnretained(work).toOpaque())
      if error != 0 { break }
      threads.append(thread)
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
    pthread_mutex_unlock(work.gate)
    body()
    for thread in threads { pthread_join(thread, nil) }
    return withExtendedLifetime(work) { threads.count + 1 }
  }
}

/// What threads do, once the gate is open.
private final class SharedWork: Sendable {
  nonisolated(unsafe) let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) {
    self.body = body
    pthread_mutex_init(gate, nil)
  }

  deinit {
    pthread_mutex_destroy(gate)
    gate.deallocate()
  }
}
