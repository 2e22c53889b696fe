// SPDX-License-Identifier: Apache-2.0

import CResNetThreads
import Foundation
import ResNetRuntime
import TestPlans
import Testing

/// Which cores are worth a thread, told by trees of files like those below /sys and /proc.
@Suite struct FastCoreTests {
  private let root = FileManager.default.temporaryDirectory
    .appendingPathComponent("fast-core-tests-\(UUID().uuidString)")
  private let cpus = (0..<1024).filter { rn_cpu_is_allowed(UInt32($0)) }

  private func write(_ text: String, _ path: String) throws {
    let url = root.appendingPathComponent(path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private func write(_ name: String, _ text: (Int) -> String) throws {
    for (place, cpu) in cpus.enumerated() {
      try write(text(place) + "\n", "sys/devices/system/cpu/cpu\(cpu)/\(name)")
    }
  }

  private func count() -> Int {
    defer { try? FileManager.default.removeItem(at: root) }
    return Int(rn_fast_core_count(root.path))
  }

  /// The first half, rounded up, of the CPUs.
  private var half: Int { (cpus.count + 1) / 2 }

  @Test func allCPUsCountWhereNothingIsTold() {
    #expect(cpus.count == Int(rn_cpu_count()))
    #expect(count() == cpus.count)
  }

  @Test func bigCoresByCapacity() throws {
    try write("cpu_capacity") { $0 < half ? "1024" : "446" }
    try write("cpufreq/cpuinfo_max_freq") { _ in "1800000" }
    #expect(count() == half)
  }

  @Test func bigCoresByClock() throws {
    try write("cpufreq/cpuinfo_max_freq") { $0 < half ? "2400000" : "1500000" }
    #expect(count() == half)
  }

  @Test func coresOfAboutTheSameSpeedAllCount() throws {
    try write("cpu_capacity") { $0 < half ? "1024" : "768" }
    #expect(count() == cpus.count)
  }

  @Test func nonsenseCountsAsNothingTold() throws {
    for text in ["", "-1", "fast", "99999999999999999999"] {
      try write("cpu_capacity") { $0 == 0 ? text : "1024" }
      #expect(count() == cpus.count, "\(text)")
    }
  }

  @Test func hardwareThreadsOfOneCoreCountOnce() throws {
    try write("topology/thread_siblings_list") { _ in "\(cpus[0])-\(cpus.last!)" }
    #expect(count() == 1)
  }

  @Test func controlGroupsLimit() throws {
    try write("1:cpu:/\n0::/a/b\n", "proc/self/cgroup")
    try write("max 100000\n", "sys/fs/cgroup/a/b/cpu.max")
    try write("50000 100000\n", "sys/fs/cgroup/a/cpu.max")
    #expect(count() == 1)
    try write("0::/a/b\n", "proc/self/cgroup")
    try write("110000 100000\n", "sys/fs/cgroup/a/b/cpu.max")
    #expect(count() == min(2, cpus.count))
    try write("0::/\n", "proc/self/cgroup")
    try write("nonsense\n", "sys/fs/cgroup/cpu.max")
    #expect(count() == cpus.count)
  }

  @Test func controlGroupsOfVersion1Limit() throws {
    let groups = "5:cpuset:/\n4:cpu,cpuacct:/docker/a\n1:name=systemd:/\n0::/\n"
    func limit(_ quota: String, in group: String) throws {
      try write(groups, "proc/self/cgroup")
      try write("\(quota)\n", "sys/fs/cgroup/cpu\(group)/cpu.cfs_quota_us")
      try write("100000\n", "sys/fs/cgroup/cpu\(group)/cpu.cfs_period_us")
    }
    try limit("100000", in: "/docker/a")
    #expect(count() == 1)
    // In a container its own group is the root.
    try limit("50000", in: "")
    #expect(count() == 1)
    try limit("-1", in: "")
    #expect(count() == cpus.count)
    // Nothing is read of a hierarchy without the controller.
    try limit("100000", in: "")
    try write("4:cpuset,cpuacct:/\n", "proc/self/cgroup")
    #expect(count() == cpus.count)
  }

  @Test func theDefaultIsWithinBounds() {
    #expect((1...min(64, cpus.count)).contains(Session.defaultThreadCount))
  }
}

@Suite struct CPUListTests {
  private let cpus = (0..<1024).filter { rn_cpu_is_allowed(UInt32($0)) }

  @Test func listsAndRanges() throws {
    let list = cpus.prefix(64)
    #expect(try CPUList(parsing: list.map(String.init).joined(separator: ",")).count == list.count)
    #expect(try CPUList(parsing: "\(cpus[0])-\(cpus[0])").count == 1)
  }

  @Test(arguments: ["", ",", "0,", "-", "0-", "-1", "1-0", "0,0", "0-2,1", "a", "0 1", "00000"])
  func whatIsNoListIsRefused(text: String) {
    // A list may also name a CPU that this machine lacks before it goes wrong.
    let found = #expect(throws: SessionError.self) { try CPUList(parsing: text) }
    #expect(found == .cpuList || found == .cpu(1) || found == .cpu(2), "\(text)")
  }

  @Test func missingCPUsAreNamed() {
    #expect(throws: SessionError.cpu(9999)) { try CPUList(parsing: "9999") }
    #expect(
      SessionError.cpu(9999).description
        == "CPU 9999 does not exist or is not allowed for this process")
  }

  @Test func boundThreadsGiveTheSameAnswer() throws {
    let plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: 32))
    let image = testImage(32, seed: 1)
    let list = try CPUList(
      parsing: cpus.prefix(64).map(String.init).joined(separator: ","))
    var session = try Session(plan.plan(), threads: list.count, cpus: list)
    session.run(image.span)
    #expect(Results(session) == (try infer(plan, image)))
    #expect(throws: SessionError.cpuCount(expected: list.count + 1, found: list.count)) {
      _ = try Session(plan.plan(), threads: list.count + 1, cpus: list)
    }
  }
}
