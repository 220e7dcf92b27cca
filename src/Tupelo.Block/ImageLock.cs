// An ImageLock keeps two programs from changing one image at the same time, in the language that QEMU speaks: open-file-description
// read locks on single bytes of the image file. Byte 100 + n says "I use permission n", byte 200 + n says "I do not share it".
// Everybody takes bytes of his own and tests those of the others, so nobody needs a write lock and nobody waits.
//
// The locks belong to the open file: they go when it is closed, also by the death of the process, and two opens in one process
// conflict as two processes do. They say nothing to a program that does not ask.
// Source: QEMU, docs/system/images ("image locking"), block/file-posix.c for the numbers.
using Microsoft.Win32.SafeHandles;

namespace Tupelo.Block;

/// <summary>What an image is locked for while it is open.</summary>
public enum ImageLockMode
{
    /// <summary>Not at all: the caller keeps others away by himself.</summary>
    None,

    /// <summary>Read: refused while somebody writes; a writer may come later.</summary>
    SharedReader,

    /// <summary>Write: refused while anybody writes, or does not want anybody to.</summary>
    ExclusiveWriter,
}

internal static unsafe class ImageLock
{
    // Permissions. Source: QEMU, include/block/block-common.h.
    private const int ConsistentRead = 0;
    private const int Write = 1;
    private const int Resize = 3;

    private const int UsedBase = 100;
    private const int UnsharedBase = 200;
    private const int AllLength = 200; // from UsedBase, all there may be

    private const int MaxAttempts = 5;

    private static ReadOnlySpan<byte> ReaderTakes => [UsedBase + ConsistentRead];

    private static ReadOnlySpan<byte> ReaderTests => [UsedBase + Write, UnsharedBase + ConsistentRead];

    private static ReadOnlySpan<byte> WriterTakes =>
        [UsedBase + ConsistentRead, UsedBase + Write, UsedBase + Resize, UnsharedBase + Write, UnsharedBase + Resize];

    private static ReadOnlySpan<byte> WriterTests =>
        [UsedBase + Write, UnsharedBase + Write, UnsharedBase + Resize, UsedBase + Resize, UnsharedBase + ConsistentRead];

    /// <summary>Takes the lock for as long as <paramref name="file"/> stays open.</summary>
    /// <param name="file">The image, open for reading at least.</param>
    /// <param name="path">Its name, for the message.</param>
    /// <param name="mode">What for.</param>
    /// <param name="force">True to read although somebody writes. A writer is never forced in.</param>
    /// <exception cref="BlockDeviceException">EBUSY: the message names the holder where it can be known. ENOLCK and the like: a
    /// writer found a file system without locks; a reader goes on there, as it cannot do harm.</exception>
    public static void Acquire(SafeFileHandle file, string path, ImageLockMode mode, bool force)
    {
        if (mode == ImageLockMode.None)
        {
            return;
        }
        bool writes = mode == ImageLockMode.ExclusiveWriter;
        ReadOnlySpan<byte> tests = writes ? WriterTests : ReaderTests;
        for (int attempt = 1; ; attempt++)
        {
            // Test first, so that a newcomer does not disturb; take; test again, as two may have come at the same time.
            Errno errno = Errno.None;
            int foreign = force && !writes ? 0 : FirstForeign(file, tests, out errno);
            if (errno == Errno.None && foreign == 0)
            {
                errno = Take(file, writes ? WriterTakes : ReaderTakes, out foreign);
                if (errno == Errno.None && foreign == 0)
                {
                    foreign = force && !writes ? 0 : FirstForeign(file, tests, out errno);
                    if (errno == Errno.None && foreign == 0)
                    {
                        return;
                    }
                    Release(file);
                    if (errno == Errno.None && attempt < MaxAttempts)
                    {
                        Thread.Sleep(Random.Shared.Next(1, 10)); // both of us stepped back; not again at the same time
                        continue;
                    }
                }
            }
            if (errno == Errno.None)
            {
                throw Busy(file, path, writes, foreign);
            }
            if (!writes)
            {
                return;
            }
            throw new BlockDeviceException(errno, path,
                $"Cannot open {path} for writing: its file system has no locks ({errno.Describe()}), so nothing would keep another program " +
                "from writing it at the same time. Copy it elsewhere, or open it without a lock.");
        }
    }

    /// <summary>The first of <paramref name="bytes"/> that another open file has locked, or 0.</summary>
    private static int FirstForeign(SafeFileHandle file, ReadOnlySpan<byte> bytes, out Errno errno)
    {
        foreach (byte at in bytes)
        {
            // A write lock would conflict with every lock but our own.
            LinuxCalls.FileLock query = OneByte(LinuxCalls.F_WRLCK, at);
            errno = LinuxCalls.ErrnoOf(LinuxCalls.FcntlLock(file, LinuxCalls.F_OFD_GETLK, &query));
            if (errno != Errno.None)
            {
                return 0;
            }
            if (query.Type != LinuxCalls.F_UNLCK)
            {
                return at;
            }
        }
        errno = Errno.None;
        return 0;
    }

    private static Errno Take(SafeFileHandle file, ReadOnlySpan<byte> bytes, out int foreign)
    {
        foreign = 0;
        foreach (byte at in bytes)
        {
            LinuxCalls.FileLock request = OneByte(LinuxCalls.F_RDLCK, at);
            Errno errno = LinuxCalls.ErrnoOf(LinuxCalls.FcntlLock(file, LinuxCalls.F_OFD_SETLK, &request));
            if (errno != Errno.None)
            {
                Release(file);
                bool held = errno is Errno.EAGAIN or Errno.EACCES; // somebody has a write lock there
                foreign = held ? at : 0;
                return held ? Errno.None : errno;
            }
        }
        return Errno.None;
    }

    private static void Release(SafeFileHandle file)
    {
        LinuxCalls.FileLock request = OneByte(LinuxCalls.F_UNLCK, UsedBase);
        request.Length = AllLength;
        _ = LinuxCalls.FcntlLock(file, LinuxCalls.F_OFD_SETLK, &request);
    }

    private static LinuxCalls.FileLock OneByte(short type, int at) => new() { Type = type, Start = at, Length = 1 };

    private static BlockDeviceException Busy(SafeFileHandle file, string path, bool writes, int foreign)
    {
        IReadOnlyList<ImageHolder> holders = ImageHolder.Find(file, foreign);
        string who = holders.Count switch
        {
            0 => "another program (who it is, only root can see)",
            1 => holders[0].ToString(),
            _ => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{holders[0]} and {holders.Count - 1} more"),
        };
        string does = foreign is UsedBase + Write or UsedBase + Resize || holders.Any(holder => holder.IsWriting)
            ? "which is writing it"
            : "which lets nobody write it meanwhile";
        string advice = writes
            ? "Close it there first."
            : "What is read now may be half of a change: close it there first, or force the reading.";
        return new BlockDeviceException(Errno.EBUSY, path, $"{path} is in use by {who}, {does}. {advice}");
    }
}
