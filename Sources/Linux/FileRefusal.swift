import CLinux
import Vocabulary

/// What a refusal by the kernel means for a file that somebody named.
extension LinuxError {
  /// Half a line on what to do.
  package var fileRemedy: String {
    switch errno {
    case ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP: "check the path"
    case EISDIR: "name a file in it"
    case EACCES, EPERM: "give this user the right to read it"
    case EFBIG: "it is larger than any such file; name the right one"
    case LinuxError.notRegular: "name a regular file; save what a pipe gives to one first"
    case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
    default: "check the disk and the file system"
    }
  }

  package var fileExitCode: ExitCode {
    switch errno {
    case ENOENT, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG, ENXIO, LinuxError.notRegular: .noInput
    case EACCES, EPERM: .noPermission
    case EFBIG: .dataError
    default: .ioError
    }
  }
}
