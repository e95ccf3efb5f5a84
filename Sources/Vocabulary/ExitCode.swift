/// The sysexits(3) codes that the programs end with.
package enum ExitCode: Int32, Sendable {
  case success = 0
  /// Wrong command line.
  case usage = 64
  /// Bad data in a file the user gave.
  case dataError = 65
  /// A file or device that should be there is not.
  case noInput = 66
  /// A service is not there (the daemon does not answer).
  case unavailable = 69
  /// A fault of our own.
  case software = 70
  /// The operating system refused something it should not have.
  case osError = 71
  /// A file could not be created.
  case cannotCreate = 73
  case ioError = 74
  case temporaryFailure = 75
  case noPermission = 77
  /// The configuration is wrong.
  case configuration = 78
}
