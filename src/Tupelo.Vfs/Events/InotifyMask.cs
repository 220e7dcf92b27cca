// The bits of inotify(7): events, flags of a watch, and flags of a report.
namespace Tupelo.Vfs;

/// <summary>Events and flags of inotify. Source: inotify(7), numbers of Linux.</summary>
[Flags]
public enum InotifyMask : uint
{
    None = 0,

    /// <summary>IN_ACCESS: read.</summary>
    Access = 0x1,

    /// <summary>IN_MODIFY: written or truncated.</summary>
    Modify = 0x2,

    /// <summary>IN_ATTRIB: metadata changed, the link count included.</summary>
    Attrib = 0x4,

    /// <summary>IN_CLOSE_WRITE: last close of a description opened for writing.</summary>
    CloseWrite = 0x8,

    /// <summary>IN_CLOSE_NOWRITE.</summary>
    CloseNoWrite = 0x10,

    /// <summary>IN_OPEN.</summary>
    Open = 0x20,

    /// <summary>IN_MOVED_FROM, to the directory a name left.</summary>
    MovedFrom = 0x40,

    /// <summary>IN_MOVED_TO, to the directory a name came to.</summary>
    MovedTo = 0x80,

    /// <summary>IN_CREATE, to the directory.</summary>
    Create = 0x100,

    /// <summary>IN_DELETE, to the directory.</summary>
    Delete = 0x200,

    /// <summary>IN_DELETE_SELF: the object is gone (no name and nobody has it open).</summary>
    DeleteSelf = 0x400,

    /// <summary>IN_MOVE_SELF: the object was renamed.</summary>
    MoveSelf = 0x800,

    /// <summary>IN_UNMOUNT: reported whether asked for or not.</summary>
    Unmount = 0x2000,

    /// <summary>IN_Q_OVERFLOW: events were lost; its watch descriptor is -1.</summary>
    QueueOverflow = 0x4000,

    /// <summary>IN_IGNORED: the watch is gone.</summary>
    Ignored = 0x8000,

    /// <summary>IN_ONLYDIR: add_watch fails with ENOTDIR on anything else.</summary>
    OnlyDirectory = 0x0100_0000,

    /// <summary>IN_DONT_FOLLOW: watch a symbolic link itself.</summary>
    DontFollow = 0x0200_0000,

    /// <summary>IN_EXCL_UNLINK: no events of children that have lost their name.</summary>
    ExcludeUnlinked = 0x0400_0000,

    /// <summary>IN_MASK_CREATE: EEXIST when the object is watched already.</summary>
    MaskCreate = 0x1000_0000,

    /// <summary>IN_MASK_ADD: add to the watch's mask instead of replacing it.</summary>
    MaskAdd = 0x2000_0000,

    /// <summary>IN_ISDIR: the subject of the event is a directory.</summary>
    IsDirectory = 0x4000_0000,

    /// <summary>IN_ONESHOT: remove the watch after one event.</summary>
    OneShot = 0x8000_0000,

    /// <summary>IN_CLOSE.</summary>
    Close = CloseWrite | CloseNoWrite,

    /// <summary>IN_MOVE.</summary>
    Move = MovedFrom | MovedTo,

    /// <summary>IN_ALL_EVENTS.</summary>
    AllEvents = 0xFFF,

    /// <summary>Every bit that inotify_add_watch(2) accepts.</summary>
    Valid = AllEvents | Unmount | QueueOverflow | Ignored | OnlyDirectory | DontFollow | ExcludeUnlinked | MaskCreate | MaskAdd
        | IsDirectory | OneShot,
}
