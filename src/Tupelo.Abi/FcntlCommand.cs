// Numbers and structures of fcntl(2) and flock(2).
namespace Tupelo;

/// <summary>fcntl(2)'s commands.</summary>
public enum FcntlCommand
{
    DuplicateFd = 0,
    GetFdFlags = 1,
    SetFdFlags = 2,
    GetStatusFlags = 3,
    SetStatusFlags = 4,
    GetLock = 5,
    SetLock = 6,
    SetLockWait = 7,
    SetOwner = 8,
    GetOwner = 9,
    SetSignal = 10,
    GetSignal = 11,
    OfdGetLock = 36,
    OfdSetLock = 37,
    OfdSetLockWait = 38,
    SetLease = 1024,
    GetLease = 1025,
    Notify = 1026,
    DuplicateFdQuery = 1027,
    DuplicateFdCloseOnExec = 1030,
    SetPipeSize = 1031,
    GetPipeSize = 1032,
    AddSeals = 1033,
    GetSeals = 1034,
    GetReadWriteHint = 1035,
    SetReadWriteHint = 1036,
    GetFileReadWriteHint = 1037,
    SetFileReadWriteHint = 1038,
}

/// <summary>F_GETFD and F_SETFD.</summary>
[Flags]
public enum FdFlags
{
    None = 0,
    CloseOnExec = 1,
}

/// <summary>l_type of a byte-range lock, and the argument of F_SETLEASE.</summary>
public enum LockType : short
{
    Read = 0,
    Write = 1,
    Unlock = 2,
}

/// <summary>flock(2)'s operation.</summary>
[Flags]
public enum FlockOperation
{
    None = 0,
    Shared = 1,
    Exclusive = 2,
    NonBlocking = 4,
    Unlock = 8,
}
