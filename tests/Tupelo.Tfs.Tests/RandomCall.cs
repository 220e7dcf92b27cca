using System.Globalization;
using System.Text;
using Tupelo.Tests;
using Tupelo.Vfs;

namespace Tupelo.Tfs.Tests;

/// <summary>One call with its arguments, run the same way on both machines.</summary>
internal sealed record RandomCall(int Kind, string A, string B, long X, long Y, int Slot, int Flags)
{
    private static readonly string[] Names = [.. from d in (string[])["", "/d", "/e", "/d/s"] from n in (string[])["a", "b", "c", "d", "e", "s", "long-name-that-takes-a-little-more-room"] select d + "/" + n];

    public static RandomCall Make(Random random) => new(
        random.Next(24), Names[random.Next(Names.Length)], Names[random.Next(Names.Length)],
        random.Next(5) switch { 0 => random.Next(100), 1 => random.Next(5000), 2 => random.Next(40) * 512L, 3 => random.Next(60) * 4096L, _ => random.Next(300_000) },
        random.Next(4) switch { 0 => random.Next(1, 600), 1 => 4096 * random.Next(1, 8), 2 => random.Next(1, 20_000), _ => 512 * random.Next(1, 30) },
        random.Next(6), random.Next());

    public string Run(VfsMachine m)
    {
        Syscalls c = m.Calls;
        byte[] a = Encoding.UTF8.GetBytes(A);
        byte[] b = Encoding.UTF8.GetBytes(B);
        int fd = m.Files.GetValueOrDefault(Slot, -1);
        switch (Kind)
        {
            case 0 or 1 or 2:
            {
                OpenFlags flags = OpenFlags.ReadWrite | OpenFlags.Create | ((Flags & 1) != 0 ? OpenFlags.Truncate : 0) | ((Flags & 6) == 6 ? OpenFlags.Append : 0) | ((Flags & 24) == 24 ? OpenFlags.Exclusive : 0);
                return Keep(m, c.Open(a, flags, 0x1A4));
            }
            case 3:
                return Text(c.MkDirAt(AtFd.CurrentDirectory, a, 0x1ED));
            case 4:
                return Text(c.UnlinkAt(AtFd.CurrentDirectory, a));
            case 5:
                return Text(c.UnlinkAt(AtFd.CurrentDirectory, a, AtFlags.RemoveDirectory));
            case 6:
                return Text(c.RenameAt2(AtFd.CurrentDirectory, a, AtFd.CurrentDirectory, b, (Flags % 5) switch { 0 => RenameFlags.NoReplace, 1 => RenameFlags.Exchange, 2 => RenameFlags.Whiteout, _ => RenameFlags.None }));
            case 7:
                return Text(c.LinkAt(AtFd.CurrentDirectory, a, AtFd.CurrentDirectory, b));
            case 8:
                return Text(c.SymlinkAt(b, AtFd.CurrentDirectory, a));
            case 9 or 10 or 11:
                return Text(c.PWrite(fd, Data((int)Y, Flags), X));
            case 12:
            {
                byte[] buffer = new byte[Y];
                long count = c.PRead(fd, buffer, X);
                return Text(count) + (count > 0 ? Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(buffer.AsSpan(0, (int)count)))[..12] : "");
            }
            case 13:
                return Text(c.FTruncate(fd, X));
            case 14:
                return Text(c.FAllocate(fd, FallocateMode.PunchHole | FallocateMode.KeepSize, X, Y));
            case 15:
                return Text(c.FAllocate(fd, (Flags & 1) != 0 ? FallocateMode.KeepSize : FallocateMode.None, X, Y));
            case 16:
                return Text(c.FAllocate(fd, FallocateMode.ZeroRange | ((Flags & 1) != 0 ? FallocateMode.KeepSize : 0), X, Y));
            case 17:
                return Text(c.FAllocate(fd, (Flags & 1) != 0 ? FallocateMode.CollapseRange : FallocateMode.InsertRange, X / 4096 * 4096, ((Y / 4096) + 1) * 4096));
            case 18:
                return Text(c.FChModAt2(AtFd.CurrentDirectory, a, (uint)(Flags & 0xFFF)));
            case 19:
                return Text(c.FChOwnAt(AtFd.CurrentDirectory, a, (uint)(Flags & 7), uint.MaxValue, AtFlags.SymlinkNoFollow));
            case 20:
                return Text(c.SetXattrAt(AtFd.CurrentDirectory, a, AtFlags.SymlinkNoFollow, "user.x"u8, Data((int)(Y % 2000), Flags), XattrFlags.None))
                    + Text(c.RemoveXattrAt(AtFd.CurrentDirectory, b, AtFlags.SymlinkNoFollow, "user.x"u8));
            case 21:
                return (Flags & 1) != 0 ? Keep(m, c.Open("/d"u8, OpenFlags.TemporaryFile | OpenFlags.ReadWrite, 0x180)) : Text(c.LinkAt(fd, ""u8, AtFd.CurrentDirectory, a, AtFlags.EmptyPath));
            case 22:
                return Text(c.MkNodAt(AtFd.CurrentDirectory, a, (Flags & 1) != 0 ? Mode.Fifo | 0x180 : Mode.CharDevice | 0x180, 0x105));
            default:
                return (Flags & 3) != 0 ? Text(c.FSync(fd)) : Forget(m, fd);
        }
    }

    private static byte[] Data(int length, int seed)
    {
        byte[] data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }

    private static string Text(long result) => result < 0 ? ((Errno)(-result)).ToString() : result.ToString(CultureInfo.InvariantCulture);

    private string Keep(VfsMachine m, long fd)
    {
        if (fd < 0)
        {
            return Text(fd);
        }
        if (m.Files.Remove(Slot, out int old))
        {
            _ = m.Calls.Close(old);
        }
        m.Files[Slot] = (int)fd;
        return "open";
    }

    private string Forget(VfsMachine m, int fd)
    {
        _ = m.Files.Remove(Slot);
        return Text(m.Calls.Close(fd));
    }
}
