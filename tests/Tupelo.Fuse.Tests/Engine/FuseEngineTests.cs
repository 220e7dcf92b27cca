// The engine without a kernel: negotiation, exact lookup counts, permissions, hostile requests, no garbage.
using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Tupelo.FileSystems;
using Tupelo.Vfs;
using static Tupelo.Fuse.Tests.EngineClient;

namespace Tupelo.Fuse.Tests;

public sealed class FuseEngineTests
{
    private const ulong Root = 1;
    private static readonly FuseOptions ChecksItself = new() { KernelChecksPermissions = false };

    [Theory]
    [InlineData(31u, 31u)]
    [InlineData(38u, 38u)]
    [InlineData(45u, 45u)]
    [InlineData(99u, 45u)]
    public void Init_SpeaksTheOlderOfTheTwoVersions(uint theirs, uint spoken)
    {
        using var client = new EngineClient(minor: theirs);
        Assert.Equal((7u, spoken), (client.InitReply.Major, client.InitReply.Minor));
        Assert.Equal(1u << 20, client.InitReply.MaxWrite);
        Assert.Equal(256, client.InitReply.MaxPages);
    }

    [Fact]
    public void Init_OfAnOldClient_IsRefusedAndNothingElseIsServed()
    {
        using var client = new EngineClient(minor: 30);
        Assert.Equal(Errno.EPROTO, client.InitResult);
        Assert.Equal(Errno.EIO, client.Send(FuseOpcode.Lookup, Root, Name("x")));
    }

    [Fact]
    public void Init_OfALaterMajorVersion_IsAnsweredWithOurs()
    {
        VfsContext context = ServedMount.Start(new RamFsType(), "ramfs", null);
        using var engine = new FuseEngine(context);
        using var frame = new MemoryFrame();
        using FuseWorker worker = engine.AddWorker();
        MemoryMarshal.Write(frame.RequestRoom, new FuseInHeader { Length = 48, Opcode = FuseOpcode.Init, Unique = 1 });
        MemoryMarshal.Write(frame.RequestRoom[40..], (8u, 0u));
        frame.SetRequestBytes(48);
        Assert.Equal(80, engine.Handle(worker, frame));
        Assert.Equal(7u, MemoryMarshal.Read<uint>(frame.Reply[16..]));
        Assert.False(engine.IsInitialized);
    }

    [Fact]
    public void Init_OffersOnlyWhatTheClientCan()
    {
        using var client = new EngineClient(capable: FuseInitFlags.AsyncRead | FuseInitFlags.MaxPages);
        Assert.Equal(FuseInitFlags.AsyncRead | FuseInitFlags.MaxPages, client.Engine.Flags);
        // Without NO_OPEN_SUPPORT files are opened and get handles.
        FuseEntryOut file = client.Make(Root, "f");
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Open, file.NodeId, Bytes(new FuseOpenIn { Flags = (uint)OpenFlags.ReadWrite })));
        FuseOpenOut open = client.Take<FuseOpenOut>();
        Assert.NotEqual(0ul, open.FileHandle);
        Assert.Equal(1, client.Engine.Counts.Files);
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Write, file.NodeId, Bytes(new FuseWriteIn { FileHandle = open.FileHandle, Size = 3 }), "abc"u8.ToArray()));
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Read, file.NodeId, Bytes(new FuseReadIn { FileHandle = open.FileHandle, Size = 10 })));
        Assert.Equal("abc"u8.ToArray(), client.Reply);
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Release, file.NodeId, Bytes(new FuseReleaseIn { FileHandle = open.FileHandle })));
        Assert.Equal(0, client.Engine.Counts.Files);
        Assert.Equal(Errno.EBADF, client.Send(FuseOpcode.Read, file.NodeId, Bytes(new FuseReadIn { FileHandle = open.FileHandle, Size = 10 })));
    }

    [Fact]
    public void LookupCounts_AreExact_ForgottenOneByOneOrInBatches()
    {
        using var client = new EngineClient();
        FuseEntryOut file = client.Make(Root, "f");
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(file.NodeId, client.Lookup(Root, "f").NodeId);
        }
        client.Forget(file.NodeId, 4);
        Assert.Equal(Errno.None, client.Send(FuseOpcode.GetAttr, file.NodeId, Bytes(default(FuseGetAttrIn))));
        client.Forget(file.NodeId, 1);
        Assert.Equal(Errno.ESTALE, client.Send(FuseOpcode.GetAttr, file.NodeId, Bytes(default(FuseGetAttrIn))));
        FuseEntryOut again = client.Lookup(Root, "f");
        Assert.NotEqual((file.NodeId, file.Generation), (again.NodeId, again.Generation));
        FuseEntryOut other = client.Make(Root, "g");
        Assert.Equal(Errno.None, client.Send(
            FuseOpcode.BatchForget, 0, Bytes(new FuseBatchForgetIn { Count = 2 }), Bytes(new FuseForgetOne { NodeId = again.NodeId, Lookups = 1 }),
            Bytes(new FuseForgetOne { NodeId = other.NodeId, Lookups = 1 })));
        Assert.False(client.WasAnswered);
        Assert.Equal(1, client.Engine.Counts.Nodes);
    }

    [Fact]
    public void ForgettingTooMuch_HarmsNobody()
    {
        using var client = new EngineClient();
        FuseEntryOut file = client.Make(Root, "f");
        client.Forget(file.NodeId, ulong.MaxValue);
        client.Forget(file.NodeId, 3);
        client.Forget(Root, 100);
        client.Forget(999_999, 1);
        Assert.Equal(file.Attr.Ino, client.Lookup(Root, "f").Attr.Ino);
    }

    [Fact]
    public void ReadDirPlus_CountsALookupOfEachEntry_ButNotOfTheDots()
    {
        using var client = new EngineClient();
        for (int i = 0; i < 20; i++)
        {
            client.Forget(client.Make(Root, "f" + i.ToString(CultureInfo.InvariantCulture)).NodeId, 1);
        }
        Assert.Equal(1, client.Engine.Counts.Nodes);
        Assert.Equal(Errno.None, client.Send(FuseOpcode.ReadDirPlus, Root, Bytes(new FuseReadIn { Size = 65536 })));
        List<(string Name, ulong Node)> entries = EntriesPlus(client.Reply);
        Assert.Equal(22, entries.Count);
        Assert.Equal(21, client.Engine.Counts.Nodes);
        Assert.All(entries, entry => Assert.Equal(entry.Name is "." or "..", entry.Node == 0));
        foreach ((_, ulong node) in entries.Where(entry => entry.Node != 0))
        {
            client.Forget(node, 1);
        }
        Assert.Equal(1, client.Engine.Counts.Nodes);
    }

    [Fact]
    public void ReadDir_InPieces_ListsEachEntryOnce()
    {
        using var client = new EngineClient();
        for (int i = 0; i < 300; i++)
        {
            client.Make(Root, string.Create(CultureInfo.InvariantCulture, $"{new string('n', i % 200)}{i}"));
        }
        foreach (FuseOpcode opcode in new[] { FuseOpcode.ReadDir, FuseOpcode.ReadDirPlus })
        {
            var names = new List<string>();
            ulong cookie = 0;
            while (client.Send(opcode, Root, Bytes(new FuseReadIn { Offset = cookie, Size = 1024 })) == Errno.None && client.Reply.Length > 0)
            {
                foreach ((string name, ulong offset) in Entries(client.Reply, opcode == FuseOpcode.ReadDirPlus))
                {
                    names.Add(name);
                    cookie = offset;
                }
            }
            Assert.Equal(302, names.Count);
            Assert.Equal(302, names.Distinct().Count());
        }
    }

    [Fact]
    public void HardLinks_AreOneNode()
    {
        using var client = new EngineClient();
        FuseEntryOut file = client.Make(Root, "f");
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Link, Root, Bytes(file.NodeId), Name("g")));
        FuseEntryOut link = client.Take<FuseEntryOut>();
        Assert.Equal((file.NodeId, 2u), (link.NodeId, link.Attr.LinkCount));
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Unlink, Root, Name("f")));
        // The node lives on under its other name.
        Assert.Equal(Errno.None, client.Write(file.NodeId, 0, "still"u8.ToArray()));
        Assert.Equal(5ul, client.Lookup(Root, "g").Attr.Size);
    }

    [Fact]
    public void UnlinkedFile_StaysUsableUntilItIsForgotten()
    {
        using var client = new EngineClient();
        FuseEntryOut file = client.Make(Root, "f");
        Assert.Equal(Errno.None, client.Write(file.NodeId, 0, "ghost"u8.ToArray()));
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Unlink, Root, Name("f")));
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Read, file.NodeId, Bytes(new FuseReadIn { Size = 100 })));
        Assert.Equal("ghost"u8.ToArray(), client.Reply);
        client.Forget(file.NodeId, 1);
        Assert.Equal(Errno.ESTALE, client.Send(FuseOpcode.Read, file.NodeId, Bytes(new FuseReadIn { Size = 100 })));
    }

    [Fact]
    public void MissingName_IsANegativeEntryThatMayBeKept()
    {
        using var client = new EngineClient();
        FuseEntryOut entry = client.Lookup(Root, "missing");
        Assert.Equal(0ul, entry.NodeId);
        Assert.Equal(86_400ul, entry.EntrySeconds);
    }

    [Fact]
    public void MountsInside_AreCrossed_AndTheirFilesHaveNumbersOfTheirOwn()
    {
        VfsContext context = ServedMount.Start(new RamFsType(), "ramfs", null);
        var sys = new Syscalls(context);
        Assert.Equal(0, sys.MkDirAt(AtFd.CurrentDirectory, "/in"u8, 0x1ED));
        Assert.Equal(0, sys.Mount("s"u8, "/in"u8, "ramfs"u8, MountFlags.None, default));
        using var client = new EngineClient(context: context);
        FuseEntryOut inner = client.Lookup(Root, "in");
        FuseEntryOut file = client.Make(inner.NodeId, "f");
        var numbers = new HashSet<ulong> { client.Make(Root, "a").Attr.Ino, client.Make(Root, "b").Attr.Ino, inner.Attr.Ino, file.Attr.Ino };
        Assert.Equal(4, numbers.Count);
        Assert.Equal(Root, client.Lookup(inner.NodeId, "..").NodeId);
        Assert.Equal(Errno.EXDEV, client.Send(FuseOpcode.Rename, Root, Bytes(inner.NodeId), Name("a"), Name("a")));
        Assert.Equal(Errno.EXDEV, client.Send(FuseOpcode.Link, Root, Bytes(file.NodeId), Name("x")));
    }

    [Fact]
    public void Caller_OwnsWhatItMakes_AndIsCheckedWhenTheKernelDoesNot()
    {
        using var client = new EngineClient(ChecksItself);
        FuseEntryOut directory = client.Make(Root, "d", Mode.Directory | 0x1FF);
        client.Uid = 1000;
        client.Gid = 100;
        FuseEntryOut file = client.Make(directory.NodeId, "f", Mode.Regular | 0x180);
        Assert.Equal((1000u, 100u), (file.Attr.Uid, file.Attr.Gid));
        client.Uid = 1001;
        Assert.Equal(Errno.EACCES, client.Send(FuseOpcode.Open, file.NodeId, Bytes(default(FuseOpenIn))));
        Assert.Equal(Errno.EACCES, client.Send(FuseOpcode.Access, file.NodeId, Bytes(4u), Bytes(0u)));
        Assert.Equal(Errno.EPERM, client.Send(FuseOpcode.SetAttr, file.NodeId, Bytes(new FuseSetAttrIn { Valid = SetAttrValid.Mode, Mode = 0x1FF })));
        client.Uid = 0;
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Open, file.NodeId, Bytes(default(FuseOpenIn))));
    }

    [Fact]
    public void SupplementaryGroups_ComeFromTheProcess_OnlyWhereTheyMatter()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "a process with other groups needs root");
        using var client = new EngineClient(ChecksItself);
        FuseEntryOut file = client.Make(Root, "f", Mode.Regular | 0x1B0); // rw-rw----
        Assert.Equal(Errno.None, client.Send(FuseOpcode.SetAttr, file.NodeId, Bytes(new FuseSetAttrIn { Valid = SetAttrValid.Gid, Gid = 4242 })));
        using Process member = Process.Start("setpriv", ["--reuid=1000", "--regid=1000", "--groups=7,4242,9", "sleep", "30"]);
        try
        {
            Assert.True(SpinWait.SpinUntil(
                () => File.ReadAllText($"/proc/{member.Id}/status").Contains("4242", StringComparison.Ordinal), TimeSpan.FromSeconds(10)));
            client.Uid = client.Gid = 1000;
            client.Pid = (uint)member.Id;
            Assert.Equal(Errno.None, client.Send(FuseOpcode.Open, file.NodeId, Bytes(new FuseOpenIn { Flags = (uint)OpenFlags.ReadWrite })));
            client.Pid = (uint)Environment.ProcessId; // in no such group
            Assert.Equal(Errno.EACCES, client.Send(FuseOpcode.Open, file.NodeId, Bytes(new FuseOpenIn { Flags = (uint)OpenFlags.ReadWrite })));
            // The client may tell the group that matters itself.
            client.Extensions = [.. Bytes(16u), .. Bytes(32u), .. Bytes(1u), .. Bytes(4242u)];
            Assert.Equal(Errno.None, client.Send(FuseOpcode.Open, file.NodeId, Bytes(new FuseOpenIn { Flags = (uint)OpenFlags.ReadWrite })));
        }
        finally
        {
            member.Kill();
        }
    }

    [Fact]
    public void OwnerOptions_SwapRootAndTheOwner()
    {
        using var client = new EngineClient(new FuseOptions { OwnerUid = 1000, OwnerGid = 100, HiddenPermissions = 0x3F });
        client.Uid = 1000;
        client.Gid = 100;
        FuseEntryOut file = client.Make(Root, "f", Mode.Regular | 0x1FF);
        Assert.Equal((1000u, 100u, Mode.Regular | 0x1C0), (file.Attr.Uid, file.Attr.Gid, file.Attr.Mode));
        Assert.Equal(Errno.None, client.Send(FuseOpcode.SetAttr, file.NodeId, Bytes(new FuseSetAttrIn { Valid = SetAttrValid.Uid, Uid = 0 })));
        Assert.Equal(0u, client.Lookup(Root, "f").Attr.Uid);
    }

    [Fact]
    public void Write_WithKillFlag_DropsSetIdBits_AndWithoutItKeepsThem()
    {
        using var client = new EngineClient();
        FuseEntryOut file = client.Make(Root, "f", Mode.Regular | 0x9ED); // 04755
        Assert.Equal(Errno.None, client.Write(file.NodeId, 0, [1]));
        Assert.Equal(Mode.Regular | 0x9ED, client.Lookup(Root, "f").Attr.Mode);
        Assert.Equal(Errno.None, client.Send(
            FuseOpcode.Write, file.NodeId, Bytes(new FuseWriteIn { Size = 1, WriteFlags = FuseRequestFlags.WriteKillSetIds }), [2]));
        Assert.Equal(Mode.Regular | 0x1ED, client.Lookup(Root, "f").Attr.Mode);
    }

    [Fact]
    public void Ioctl_GetsAndSetsFlags_AndShutsDownForRootAlone()
    {
        using var client = new EngineClient(new FuseOptions { AllowShutdown = true });
        FuseEntryOut file = client.Make(Root, "f");
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Ioctl, file.NodeId, Bytes(new FuseIoctlIn { Command = IoctlRequest.SetInodeFlags, InSize = 4 }), Bytes(0x40u)));
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Ioctl, file.NodeId, Bytes(new FuseIoctlIn { Command = IoctlRequest.GetInodeFlags, OutSize = 4 })));
        Assert.Equal(0x40u, BinaryPrimitives.ReadUInt32LittleEndian(client.Reply.AsSpan(16)));
        Assert.Equal(Errno.ENOTTY, client.Send(FuseOpcode.Ioctl, file.NodeId, Bytes(new FuseIoctlIn { Command = 0x12345678 })));
        const uint Shutdown = 0x8004587D;
        client.Uid = 5;
        Assert.Equal(Errno.EPERM, client.Send(FuseOpcode.Ioctl, Root, Bytes(new FuseIoctlIn { Command = Shutdown, InSize = 4, OutSize = 4 }), Bytes(0u)));
        client.Uid = 0;
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Ioctl, Root, Bytes(new FuseIoctlIn { Command = Shutdown, InSize = 4, OutSize = 4 }), Bytes(0u)));
        Assert.Equal(Errno.EIO, client.Send(FuseOpcode.GetAttr, Root, Bytes(default(FuseGetAttrIn))));
        Assert.Equal(Errno.EIO, client.Engine.Sync());
    }

    [Fact]
    public void PosixAcls_AreRefusedCleanly()
    {
        using var client = new EngineClient();
        FuseEntryOut file = client.Make(Root, "f");
        Assert.Equal(Errno.EOPNOTSUPP, client.Send(FuseOpcode.GetXattr, file.NodeId, Bytes(new FuseSizeOut { Size = 100 }), Name("system.posix_acl_access")));
        Assert.Equal(Errno.EOPNOTSUPP, client.Send(
            FuseOpcode.SetXattr, file.NodeId, Bytes(new FuseSetXattrIn { Size = 4 }), Name("system.posix_acl_access"), [1, 2, 3, 4]));
    }

    [Fact]
    public void UnknownAndUnservedRequests_AreENOSYS()
    {
        using var client = new EngineClient();
        foreach (uint opcode in new uint[] { 7, 19, 48, 49, 54, 4096, uint.MaxValue, (uint)FuseOpcode.Poll, (uint)FuseOpcode.BMap, (uint)FuseOpcode.SetLockWait })
        {
            Assert.Equal(Errno.ENOSYS, client.Send((FuseOpcode)opcode, Root, new byte[64]));
        }
    }

    [Fact]
    public void HostileRequests_GetAnErrorAndNeverAnException()
    {
        string? seedText = Environment.GetEnvironmentVariable("TUPELO_SEED");
        int seed = seedText is null ? 42 : int.Parse(seedText, CultureInfo.InvariantCulture);
        var random = new Random(seed);
        var reports = new List<string>();
        using var client = new EngineClient(new FuseOptions { Report = reports.Add, AllowShutdown = false });
        ulong[] nodes = [Root, client.Make(Root, "f").NodeId, client.Make(Root, "d", Mode.Directory | 0x1FF).NodeId, 0, 77, ulong.MaxValue];
        byte[] body = new byte[300];
        for (int i = 0; i < 100_000; i++)
        {
            random.NextBytes(body);
            if (random.Next(2) == 0)
            {
                // Small numbers and short names get further.
                for (int j = 0; j < body.Length; j++)
                {
                    body[j] = random.Next(3) == 0 ? (byte)random.Next(4) : (byte)0;
                }
                "f\0g\0"u8.CopyTo(body.AsSpan(random.Next(60)));
            }
            client.Extensions = random.Next(10) == 0 ? body[..(8 * random.Next(10))] : [];
            client.Uid = (uint)random.Next(2);
            FuseOpcode opcode;
            do
            {
                opcode = (FuseOpcode)random.Next(1, 56);
            }
            while (opcode is FuseOpcode.Init);
            _ = client.Send(opcode, nodes[random.Next(nodes.Length)], body[..random.Next(body.Length)]);
        }
        Assert.True(reports.Count == 0, $"seed {seed}: {string.Join('\n', reports.Take(3))}");
        Assert.Equal(Errno.None, client.Send(FuseOpcode.GetAttr, Root, Bytes(default(FuseGetAttrIn))));
    }

    [Theory]
    [InlineData(FuseOpcode.Lookup)]
    [InlineData(FuseOpcode.GetAttr)]
    [InlineData(FuseOpcode.Read)]
    [InlineData(FuseOpcode.Write)]
    [InlineData(FuseOpcode.ReadDir)]
    [InlineData(FuseOpcode.ReadDirPlus)]
    [InlineData(FuseOpcode.StatFs)]
    [InlineData(FuseOpcode.SetAttr)]
    [InlineData(FuseOpcode.ReadLink)]
    public void WarmRequest_AllocatesNothing(FuseOpcode opcode)
    {
        using var client = new EngineClient();
        ulong file = client.Make(Root, "f").NodeId;
        Assert.Equal(Errno.None, client.Send(FuseOpcode.Symlink, Root, Name("l"), Name("target")));
        ulong link = client.Take<FuseEntryOut>().NodeId;
        Assert.Equal(Errno.None, client.Write(file, 0, new byte[8192]));
        switch (opcode)
        {
            case FuseOpcode.Lookup:
                client.Prepare(opcode, Root, Name("f"));
                break;
            case FuseOpcode.Read:
                client.Prepare(opcode, file, Bytes(new FuseReadIn { Size = 4096 }));
                break;
            case FuseOpcode.Write:
                client.Prepare(opcode, file, Bytes(new FuseWriteIn { Size = 4096 }), new byte[4096]);
                break;
            case FuseOpcode.ReadDir or FuseOpcode.ReadDirPlus:
                client.Prepare(opcode, Root, Bytes(new FuseReadIn { Size = 4096 }));
                break;
            case FuseOpcode.SetAttr:
                client.Prepare(opcode, file, Bytes(new FuseSetAttrIn { Valid = SetAttrValid.Mode, Mode = 0x1FF }));
                break;
            default:
                client.Prepare(opcode, opcode == FuseOpcode.ReadLink ? link : file, Bytes(default(FuseGetAttrIn)));
                break;
        }
        for (int i = 0; i < 100; i++)
        {
            Assert.True(client.Run() > 16);
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10_000; i++)
        {
            _ = client.Run();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static List<(string Name, ulong Node)> EntriesPlus(byte[] reply)
    {
        var entries = new List<(string, ulong)>();
        for (int at = 0; at < reply.Length;)
        {
            ulong node = MemoryMarshal.Read<ulong>(reply.AsSpan(at));
            FuseDirent entry = MemoryMarshal.Read<FuseDirent>(reply.AsSpan(at + 128));
            entries.Add((Encoding.UTF8.GetString(reply, at + 152, (int)entry.NameLength), node));
            at += (152 + (int)entry.NameLength + 7) & ~7;
        }
        return entries;
    }

    private static List<(string Name, ulong Offset)> Entries(byte[] reply, bool plus)
    {
        int head = plus ? 128 : 0;
        var entries = new List<(string, ulong)>();
        for (int at = 0; at < reply.Length;)
        {
            FuseDirent entry = MemoryMarshal.Read<FuseDirent>(reply.AsSpan(at + head));
            entries.Add((Encoding.UTF8.GetString(reply, at + head + 24, (int)entry.NameLength), entry.Offset));
            at += (head + 24 + (int)entry.NameLength + 7) & ~7;
        }
        return entries;
    }
}
