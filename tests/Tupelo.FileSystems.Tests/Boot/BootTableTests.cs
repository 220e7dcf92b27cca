namespace Tupelo.FileSystems.Tests;

/// <summary>The four syntaxes of boot tables. Names of commits are OSv's and Unikraft's, whose behaviour is the requirement.</summary>
public sealed class BootTableTests
{
    [Fact]
    public void Fstab_ReadsFieldsEscapesAndOptions()
    {
        IReadOnlyList<MountSpec> specs = Fstab.Parse(
            """
            # a comment
            /dev/vblk1   /data\040dir   rofs   ro,nosuid,uid=5,mode=0555   0 0

                # another one
            none	/tmp	ramfs	defaults,size=1M,nofail
            UUID=1 none swap sw 0 0
            /a\134b /c\011d hostfs
            /x /y none rbind,noauto,x-systemd.automount,comment=z 1 2
            """);
        Assert.Equal(4, specs.Count);
        Assert.Equal(
            new MountSpec
            {
                Source = "/dev/vblk1", Target = "/data dir", Type = "rofs", Flags = MountFlags.ReadOnly | MountFlags.NoSetUid, Options = "uid=5,mode=0555", Origin = "fstab line 2",
            },
            specs[0]);
        Assert.Equal(new MountSpec { Source = "", Target = "/tmp", Type = "ramfs", Options = "size=1M", MayFail = true, Origin = "fstab line 5" }, specs[1]);
        Assert.Equal(new MountSpec { Source = "/a\\b", Target = "/c\td", Type = "hostfs", Origin = "fstab line 7" }, specs[2]);
        Assert.Equal(
            new MountSpec { Source = "/x", Target = "/y", Type = "", Flags = MountFlags.Bind | MountFlags.Recursive, OnlyWhenAsked = true, Origin = "fstab line 8" },
            specs[3]);
    }

    [Theory]
    [InlineData("/dev/x /mnt", "2 fields")]
    [InlineData("a /b c d 0 0 0", "7 fields")]
    [InlineData("a /b c d x", "not a number")]
    [InlineData("a /b c d 0 -1", "not a number")]
    [InlineData("a b c", "not absolute")]
    [InlineData("a none c", "not absolute")]
    [InlineData("a /\\377 c", "not UTF-8")]
    public void Fstab_NamesTheLineThatIsWrong(string line, string reason)
    {
        MountTableException problem = Assert.Throws<MountTableException>(() => Fstab.Parse("# first\n" + line + "\n", "table"));
        Assert.StartsWith("table line 2: ", problem.Message, StringComparison.Ordinal);
        Assert.Contains(reason, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", MountFlags.None, "")]
    [InlineData("defaults", MountFlags.None, "")]
    [InlineData("ro,rw", MountFlags.None, "")]
    [InlineData("rw,ro", MountFlags.ReadOnly, "")]
    [InlineData("noatime,relatime", MountFlags.RelativeAccessTime, "")]
    [InlineData("relatime,strictatime", MountFlags.StrictAccessTime, "")]
    [InlineData("remount,ro,bind", MountFlags.Remount | MountFlags.ReadOnly | MountFlags.Bind, "")]
    [InlineData("rslave", MountFlags.Slave | MountFlags.Recursive, "")]
    [InlineData("nosuid,nodev,noexec,sync,dirsync,nodiratime,lazytime,nosymfollow,silent", MountFlags.NoSetUid | MountFlags.NoDevices | MountFlags.NoExec
        | MountFlags.Synchronous | MountFlags.DirectorySync | MountFlags.NoDirectoryAccessTime | MountFlags.LazyTime | MountFlags.NoSymlinkFollow | MountFlags.Silent, "")]
    [InlineData("a=1,,ro,b,user,_netdev,c=x:y", MountFlags.ReadOnly, "a=1,b,c=x:y")]
    public void Options_AreFlagsAndWhatIsLeftForTheDriver(string text, MountFlags flags, string data)
    {
        MountOptionList options = MountOptionList.Parse(text);
        Assert.Equal(flags, options.Flags);
        Assert.Equal(data, options.Data);
    }

    // OSv b1452f9a: --mount-fs=type,url,path may be repeated; what has not three fields that are not empty is reported and passed over.
    [Fact]
    public void Osv_b1452f9a_MountFsOptions_AreParsedOrReported()
    {
        OsvBootOptions options = OsvBootOptions.Parse(
        [
            "--rootfs=ramfs", "--mount-fs=nfs,nfs://host/x,/data", "--mount-fs=zfs,/dev/vblk1.1", "--mount-fs=zfs,,/a", "--mount-fs=,a,/b",
            "--mount-fs=a,b,/c,d", "--verbose", "--mount-fs=ext,/dev/vblk2,/e",
        ]);
        Assert.Equal(
            [
                new MountSpec { Type = "nfs", Source = "nfs://host/x", Target = "/data", MakePointMode = 0x1ED, Origin = "--mount-fs=nfs,nfs://host/x,/data" },
                new MountSpec { Type = "ext", Source = "/dev/vblk2", Target = "/e", MakePointMode = 0x1ED, Origin = "--mount-fs=ext,/dev/vblk2,/e" },
            ],
            options.Mounts);
        Assert.Equal(4, options.Complaints.Count);
        Assert.All(options.Complaints, complaint => Assert.Contains("not type,url,path", complaint, StringComparison.Ordinal));
    }

    // OSv c04f2261: --rootfs forces a type; without it they are tried in a documented order; a wrong type is an error that names it.
    [Fact]
    public void Osv_c04f2261_Rootfs_ForcesOrProbesInOrder()
    {
        OsvBootOptions probing = OsvBootOptions.Parse([]);
        Assert.False(probing.IsRootForced);
        Assert.Equal(["rofs", "virtiofs", "ext", "zfs"], probing.RootCandidates.Select(c => c.Type));
        Assert.Equal(["/rofs", "/virtiofs", "/ext", "/zfs"], probing.RootCandidates.Select(c => c.Target));
        Assert.Equal(["/dev/vblk0.1", "/dev/virtiofs0", "/dev/vblk0.1", "/dev/vblk0.1"], probing.RootCandidates.Select(c => c.Source));

        OsvBootOptions forced = OsvBootOptions.Parse(["--rootfs=ext"]);
        Assert.True(forced.IsRootForced);
        Assert.Equal("ext", Assert.Single(forced.RootCandidates).Type);
        Assert.Empty(OsvBootOptions.Parse(["--rootfs=ramfs"]).RootCandidates);
        Assert.Contains("\"btrfs\"", Assert.Throws<MountTableException>(() => OsvBootOptions.Parse(["--rootfs=btrfs"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Osv_Switches_TurnRootAndPivotOff()
    {
        Assert.Empty(OsvBootOptions.Parse(["--nomount"]).RootCandidates);
        Assert.True(OsvBootOptions.Parse([]).Pivots);
        Assert.False(OsvBootOptions.Parse(["--nopivot", "--rootfs=rofs"]).Pivots);
    }

    [Fact]
    public void Unikraft_Fstab_ReadsAllFields()
    {
        IReadOnlyList<MountSpec> specs = UnikraftFstab.Parse(
            "vfs.fstab=[ \"initrd0:/:extract::ramfs=1:ifinitrd0\" 'fs0:/mnt/a:9pfs:0x1:version=9p2000.u,uname=me:mkmp,ifnoinitrd0' ramfs:/tmp:ramfs:010 embedded:/e:extract ]");
        Assert.Equal(
            [
                new MountSpec { Source = "initrd0", Target = "/", Type = "extract", Extract = ExtractTarget.NewRamFs, Condition = MountCondition.WithInitrd, Origin = "vfs.fstab entry 1" },
                new MountSpec
                {
                    Source = "fs0", Target = "/mnt/a", Type = "9pfs", Flags = MountFlags.ReadOnly, Options = "version=9p2000.u,uname=me",
                    MakePointMode = 0x1C0, MakeParents = true, Condition = MountCondition.WithoutInitrd, Origin = "vfs.fstab entry 2",
                },
                new MountSpec { Source = "ramfs", Target = "/tmp", Type = "ramfs", Flags = MountFlags.NoExec, Origin = "vfs.fstab entry 3" },
                new MountSpec { Source = "embedded", Target = "/e", Type = "extract", Extract = ExtractTarget.Existing, Origin = "vfs.fstab entry 4" },
            ],
            specs);
        Assert.Empty(UnikraftFstab.Parse("[ ]"));
    }

    [Theory]
    [InlineData("[ a:/b:c", "bracket")]
    [InlineData("\"a:/b:c", "quote")]
    [InlineData("a:/b", "2 fields")]
    [InlineData("a:/b:c:0::mkmp:x", "7 fields")]
    [InlineData("a:b:c", "not absolute")]
    [InlineData("a:/b:", "no driver")]
    [InlineData("a:/b:c:zz", "not a number")]
    [InlineData("a:/b:c:08", "not a number")]
    [InlineData("a:/b:c:-1", "not a number")]
    [InlineData("a:/b:c:::mkdir", "mkmp, ifinitrd0, ifnoinitrd0")]
    [InlineData("a:/b/../c:d:::mkmp", "not allowed")]
    [InlineData("fs0:/:extract", "cannot be extracted")]
    [InlineData("initrd0:/:extract::ramfs=3", "not an option of extract")]
    public void Unikraft_Fstab_SaysWhatIsWrong(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<MountTableException>(() => UnikraftFstab.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Unikraft_Fstab_HasLimitsAndAnOrder()
    {
        string five = string.Join(' ', Enumerable.Range(0, 5).Select(i => $"d:/{i}:ramfs"));
        Assert.Contains("5 entries", Assert.Throws<MountTableException>(() => UnikraftFstab.Parse(five, limit: 4)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => UnikraftFstab.Parse(five, limit: 256));
        IReadOnlyList<MountSpec> builtIn = UnikraftFstab.Parse("b:/b:x");
        IReadOnlyList<MountSpec> user = UnikraftFstab.Parse("u:/u:x");
        IReadOnlyList<MountSpec> fallback = UnikraftFstab.Parse("f:/f:x");
        Assert.Equal(["/b", "/u"], UnikraftFstab.Compose(builtIn, user, fallback).Select(s => s.Target));
        Assert.Equal(["/b", "/f"], UnikraftFstab.Compose(builtIn, [], fallback).Select(s => s.Target));
    }

    [Fact]
    public void MountArgument_HasThreeFieldsAndPerhapsOptions()
    {
        Assert.Equal(
            new MountSpec
            {
                Type = "tfs", Source = "disk.img", Target = "/mnt", Flags = MountFlags.ReadOnly, Options = "partition=root,x=1", MakePointMode = 0x1ED, MakeParents = true, Origin = "--mount",
            },
            MountArgument.Parse("tfs,disk.img,/mnt,ro,partition=root,x=1"));
        Assert.Equal("", MountArgument.Parse("ramfs,,/tmp").Source);
        foreach (string bad in new[] { "", "a", "a,b", ",b,/c", "a,b,", "a,b,c" })
        {
            _ = Assert.Throws<MountTableException>(() => MountArgument.Parse(bad));
        }
    }

    // Fuzz in small: whatever the text, an answer or a MountTableException.
    [Fact]
    public void RandomTexts_NeverThrowAnythingElse()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        const string Alphabet = "ab/:,\"'[]= \t\n\\0123457x#-.";
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            foreach (Action parse in new Action[]
            {
                () => Fstab.Parse(text), () => UnikraftFstab.Parse(text), () => MountArgument.Parse(text), () => MountOptionList.Parse(text),
                () => OsvBootOptions.Parse(["--mount-fs=" + text, "--rootfs=" + text]),
            })
            {
                try
                {
                    parse();
                }
                catch (MountTableException)
                {
                }
                catch (Exception problem)
                {
                    Assert.Fail($"seed {seed}: \"{text}\": {problem}");
                }
            }
        }
    }
}
