"""File systems that other machines write to, which this machine's kernel does not notice."""

NETWORK_DRIVE = "a network drive"
# By the core's number. Those of Linux are from linux/magic.h and the file systems' own sources.
SHARED = {
    4: NETWORK_DRIVE,  # DRIVE_REMOTE on Windows, also for a drive mounted in a folder
    0x00006969: "NFS",
    0x0000517B: "SMB",
    0xFF534D42: "SMB",
    0xFE534D42: "SMB",
    0x01021997: "9p (WSL, virtual machines)",
    0x65735546: "FUSE",
    0x786F4256: "vboxsf (VirtualBox)",
    0xBACBACBC: "vmhgfs (VMware)",
    0x7C7C6673: "prl_fs (Parallels)",
    0x00C36400: "Ceph",
    0x5346414F: "AFS",
    0x6B414653: "AFS",
    0x73757245: "Coda",
    0x0BD00BD0: "Lustre",
    0x0BD00BD3: "Lustre",
    0x47504653: "GPFS",
    0x0000564C: "NCP",
    0x7461636F: "OCFS2",
    0x01161970: "GFS2",
    0x19830326: "BeeGFS",
}


def is_share(path: str) -> bool:
    """Whether a path is \\\\server\\share with either slash, or \\\\?\\UNC\\server\\share."""
    if path.startswith("\\\\?\\"):
        return path[4:8].upper() == "UNC\\"
    return path[:2].replace("/", "\\") == "\\\\" and path[2:3] != "."
