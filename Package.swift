// swift-tools-version: 6.2
import PackageDescription

// tools/fuzz sets it: the program has to be linked to libFuzzer.
let fuzzing: [Target] =
  Context.environment["MMEXIT_FUZZ"] == nil
  ? []
  : [
    .target(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .executableTarget(
      name: "mmexit-fuzz", dependencies: ["CFuzzer", "FuzzTargets"], path: "Tests/Fuzz/Program"),
  ]

let package = Package(
  name: "mmexit",
  products: [
    .executable(name: "mmexitd", targets: ["mmexitd"]),
    .executable(name: "mmexitctl", targets: ["mmexitctl"]),
    .executable(name: "mmexit-bench", targets: ["mmexit-bench"]),
  ],
  dependencies: [
    // Only the short-lived command line tools link it; the daemon does not.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
  ],
  targets: [
    // C: the int8 reference kernels, and doorways to libraries Swift cannot import as they are.
    .target(name: "CKernels", cSettings: [.define("_GNU_SOURCE")]),
    // Random layers through every path of CKernels; for tests and mmexit-bench.
    .target(name: "CKernelCheck", dependencies: ["CKernels"], cSettings: [.define("_GNU_SOURCE")]),
    .target(name: "CLinux"),
    // libjpeg-turbo, and the process without rights that it runs in.
    .target(name: "CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
    .systemLibrary(name: "CALSA"),
    .systemLibrary(name: "CV4L2"),
    .systemLibrary(name: "CJansson"),
    .systemLibrary(name: "CInih"),
    .systemLibrary(name: "CNettle"),
    .systemLibrary(name: "CZlib"),

    // The vocabulary everything speaks, the typed doorway to the kernel, and JSON.
    .target(name: "Vocabulary"),
    .target(name: "Linux", dependencies: ["CLinux", "Vocabulary"]),
    .target(name: "JSON", dependencies: ["CJansson", "Vocabulary"]),
    .target(name: "Energy", dependencies: ["Linux", "Vocabulary"]),
    .target(name: "Metrics", dependencies: ["JSON"]),
    .target(name: "Wire", dependencies: ["Energy", "JSON", "Vocabulary"]),

    // Siblings: none of these imports another.
    .target(name: "Engine", dependencies: ["CKernels", "JSON", "Vocabulary"]),
    .target(name: "Scheduling", dependencies: ["Vocabulary"]),
    .target(name: "Sensing", dependencies: ["CALSA", "CJPEG", "CV4L2", "Linux", "Vocabulary"]),
    .target(
      name: "Ledger", dependencies: ["CNettle", "CZlib", "Energy", "JSON", "Linux", "Vocabulary", "Wire"]),
    .target(name: "Varlink", dependencies: ["CNettle", "JSON", "Linux", "Vocabulary"]),

    // What composes them.
    .target(name: "Adaptation", dependencies: ["Scheduling", "Vocabulary"]),
    .target(name: "Configuration", dependencies: ["Adaptation", "CInih", "Energy", "Engine", "Vocabulary"]),
    .target(name: "Policies", dependencies: ["Engine", "Scheduling", "Vocabulary"]),
    .target(
      name: "Evaluation",
      dependencies: ["Engine", "Policies", "Scheduling", "Sensing", "JSON", "Linux", "Vocabulary"]),
    .target(
      name: "Startup",
      dependencies: [
        "Configuration", "Energy", "Engine", "Ledger", "Linux", "Policies", "Scheduling", "Sensing",
        "Vocabulary",
        "Wire",
      ]),
    .target(
      name: "Pipeline",
      dependencies: [
        "Adaptation", "Configuration", "Energy", "Engine", "Ledger", "Linux", "Policies", "Scheduling",
        "Sensing", "Startup",
        "Vocabulary",
      ]),
    .target(
      name: "Replay",
      dependencies: [
        "Configuration", "Energy", "Engine", "JSON", "Ledger", "Linux", "Pipeline", "Sensing", "Startup",
        "Vocabulary",
      ]),
    .target(
      name: "Daemon",
      dependencies: [
        "Adaptation", "CLinux", "Configuration", "Energy", "Engine", "JSON", "Ledger", "Linux", "Metrics",
        "Pipeline", "Policies",
        "Replay", "Sensing", "Startup", "Varlink", "Vocabulary", "Wire",
      ]),
    .executableTarget(
      name: "mmexitd",
      dependencies: ["Configuration", "Daemon", "Linux", "Sensing", "Startup", "Vocabulary"]),
    .executableTarget(
      name: "mmexitctl",
      dependencies: [
        "Configuration", "Energy", "Engine", "Evaluation", "JSON", "Ledger", "Linux", "Metrics", "Replay",
        "Scheduling", "Sensing", "Startup", "Varlink", "Vocabulary", "Wire",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(
      name: "mmexit-bench",
      dependencies: [
        "Adaptation", "CJPEG", "CKernelCheck", "CKernels", "Energy", "Engine", "JSON", "Ledger", "Linux",
        "Policies",
        "Scheduling", "Sensing", "Vocabulary",
      ]),

    .testTarget(name: "CKernelsTests", dependencies: ["CKernelCheck", "CKernels"]),
    .testTarget(name: "VocabularyTests", dependencies: ["Vocabulary"]),
    .testTarget(name: "LinuxTests", dependencies: ["Linux", "Vocabulary"]),
    // Counts heap allocations in the test process; no product links it.
    .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
    .testTarget(name: "JSONTests", dependencies: ["JSON", "CAllocationCounter"]),
    .testTarget(
      name: "EngineTests",
      dependencies: ["Engine", "CKernels", "CAllocationCounter", "JSON", "Vocabulary"]),
    .testTarget(name: "SchedulingTests", dependencies: ["Scheduling", "Vocabulary"]),
    // Drivers that hang, spin, fail and lag as a test tells them, under the device rig.
    .target(
      name: "ScriptedDevices", dependencies: ["Sensing", "CALSA", "CV4L2", "Linux", "Vocabulary"],
      path: "Tests/ScriptedDevices"),
    .testTarget(
      name: "SensingTests",
      dependencies: ["CJPEG", "CV4L2", "Sensing", "ScriptedDevices", "Linux", "Vocabulary", "mmexit-bench"]),
    .testTarget(
      name: "LedgerTests",
      dependencies: ["CAllocationCounter", "Energy", "JSON", "Ledger", "Linux", "Vocabulary", "Wire"]),
    .testTarget(
      name: "VarlinkTests", dependencies: ["CAllocationCounter", "Varlink", "JSON", "Linux", "Vocabulary"]),
    .testTarget(name: "MetricsTests", dependencies: ["JSON", "Metrics"]),
    .testTarget(name: "EnergyTests", dependencies: ["Energy", "Vocabulary"]),
    .testTarget(name: "ConfigurationTests", dependencies: ["Configuration", "Vocabulary"]),
    // A model whose answers are written down, for tests of what asks models.
    .target(name: "ScriptedModels", dependencies: ["Engine", "JSON"], path: "Tests/ScriptedModels"),
    .testTarget(name: "AdaptationTests", dependencies: ["Adaptation", "Scheduling", "Vocabulary"]),
    .testTarget(
      name: "PoliciesTests",
      dependencies: ["Engine", "Policies", "Scheduling", "ScriptedModels", "Vocabulary"]),
    .testTarget(
      name: "EvaluationTests",
      dependencies: [
        "Evaluation", "Engine", "Scheduling", "ScriptedModels", "JSON", "Linux", "Sensing", "Vocabulary",
      ]),
    // A recording, sensors and a configuration made up on the spot, for tests of what runs the pipeline.
    .target(
      name: "ScriptedScenes",
      dependencies: [
        "Configuration", "Engine", "Ledger", "Linux", "Pipeline", "ScriptedModels", "Sensing", "Startup",
        "Vocabulary",
      ], path: "Tests/ScriptedScenes"),
    .testTarget(name: "WireTests", dependencies: ["Linux", "Vocabulary", "Wire"]),
    .testTarget(
      name: "StartupTests", dependencies: ["Configuration", "Engine", "Linux", "Startup", "Vocabulary"]),
    .testTarget(
      name: "PipelineTests",
      dependencies: [
        "Configuration", "Energy", "Engine", "JSON", "Ledger", "Linux",
        "Pipeline", "Scheduling", "ScriptedDevices", "ScriptedModels", "ScriptedScenes", "Sensing", "Startup",
        "Vocabulary", "Wire",
      ]),
    .testTarget(
      name: "ReplayTests",
      dependencies: [
        "Configuration", "Linux", "Replay", "ScriptedModels", "ScriptedScenes", "Sensing", "Startup",
        "Vocabulary",
      ]),
    .testTarget(
      name: "DaemonTests",
      dependencies: [
        "Adaptation", "CAllocationCounter", "Configuration", "Daemon", "Energy", "Engine", "JSON", "Ledger",
        "Linux",
        "Pipeline", "ScriptedModels", "ScriptedScenes",
        "Sensing", "Startup", "Varlink", "Vocabulary", "Wire",
      ]),
    // What tools/fuzz feeds; and its corpora, each input once.
    .target(
      name: "FuzzTargets",
      dependencies: [
        "Configuration", "Engine", "Evaluation", "JSON", "Ledger", "Linux", "Replay", "Scheduling", "Sensing",
        "Varlink", "Vocabulary",
      ], path: "Tests/Fuzz/Targets"),
    .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets", "Linux"]),
    // The built programs, started, queried, faulted and stopped.
    .testTarget(
      name: "ProcessTests", dependencies: ["mmexitd", "mmexitctl"], exclude: ["Shims"]),
  ] + fuzzing,
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu11
)
