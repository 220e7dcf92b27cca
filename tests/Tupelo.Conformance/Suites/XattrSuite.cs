// Extended attributes: the user and trusted namespaces, sizes, lists, and who may do what.
using System.Text;
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Extended attributes.</summary>
public abstract class XattrSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(4000)]
    [InlineData(65536)]
    public void Value_ComesBack(int length)
    {
        Needs(Features.UserXattrs);
        byte[] value = Pattern(length);
        Make("f"u8);
        Ok(S.SetXattr("f"u8, "user.k"u8, value, 0));
        Gives(length, S.GetXattr("f"u8, "user.k"u8, default));
        byte[] read = new byte[70000];
        Gives(length, S.GetXattr("f"u8, "user.k"u8, read));
        Assert.Equal(value, read[..length]);
    }

    [Fact]
    public void Value_IsReplacedWhole()
    {
        Needs(Features.UserXattrs);
        Make("f"u8);
        Ok(S.SetXattr("f"u8, "user.k"u8, "long value"u8, 0));
        Ok(S.SetXattr("f"u8, "user.k"u8, "v"u8, 0));
        Assert.Equal("v", Get("f"u8, "user.k"u8));
    }

    [Fact]
    public void ValueTooLarge_ReturnsE2BIG()
    {
        Needs(Features.UserXattrs);
        Make("f"u8);
        Fails(E2BIG, S.SetXattr("f"u8, "user.k"u8, new byte[65537], 0));
        Fails(ENODATA, S.GetXattr("f"u8, "user.k"u8, default));
    }

    [Fact]
    public void BufferTooSmall_ReturnsERANGE()
    {
        Needs(Features.UserXattrs);
        Make("f"u8);
        Ok(S.SetXattr("f"u8, "user.k"u8, "value"u8, 0));
        Fails(ERANGE, S.GetXattr("f"u8, "user.k"u8, new byte[4]));
        Gives(5, S.GetXattr("f"u8, "user.k"u8, new byte[5]));
        Fails(ERANGE, S.ListXattr("f"u8, new byte[6]));
        Gives(7, S.ListXattr("f"u8, new byte[7]));
    }

    [Fact]
    public void CreateAndReplace_TellWhatIsThere()
    {
        Needs(Features.UserXattrs);
        Make("f"u8);
        Fails(ENODATA, S.SetXattr("f"u8, "user.k"u8, "v"u8, XATTR_REPLACE));
        Ok(S.SetXattr("f"u8, "user.k"u8, "v"u8, XATTR_CREATE));
        Fails(EEXIST, S.SetXattr("f"u8, "user.k"u8, "w"u8, XATTR_CREATE));
        Ok(S.SetXattr("f"u8, "user.k"u8, "x"u8, XATTR_REPLACE));
        Fails(EINVAL, S.SetXattr("f"u8, "user.k"u8, "v"u8, 4));
        Assert.Equal("x", Get("f"u8, "user.k"u8));
    }

    [Fact]
    public void List_HasEachNameOnce()
    {
        Needs(Features.UserXattrs);
        Make("f"u8);
        Assert.Empty(List("f"u8));
        string[] names = [.. Enumerable.Range(0, 20).Select(i => $"user.name{i}")];
        foreach (string name in names)
        {
            Ok(S.SetXattr("f"u8, Bytes(name), "v"u8, 0));
        }
        Assert.Equal(names.Order(StringComparer.Ordinal), List("f"u8));
        Gives(names.Sum(name => name.Length + 1), S.ListXattr("f"u8, default));
    }

    [Fact]
    public void Remove_TakesItAway()
    {
        Needs(Features.UserXattrs);
        Make("f"u8);
        Ok(S.SetXattr("f"u8, "user.k"u8, "v"u8, 0));
        Ok(S.SetXattr("f"u8, "user.l"u8, "w"u8, 0));
        Ok(S.RemoveXattr("f"u8, "user.k"u8));
        Fails(ENODATA, S.GetXattr("f"u8, "user.k"u8, default));
        Fails(ENODATA, S.RemoveXattr("f"u8, "user.k"u8));
        Assert.Equal(["user.l"], List("f"u8));
    }

    [Theory]
    [InlineData("noprefix", EOPNOTSUPP)]
    [InlineData("other.k", EOPNOTSUPP)]
    [InlineData("user", EOPNOTSUPP)]
    [InlineData("user.", EINVAL)]
    [InlineData("", ERANGE)]
    public void Names_WithoutANamespace_AreRefused(string name, Errno expected)
    {
        Needs(Features.UserXattrs);
        Make("f"u8);
        Fails(expected, S.SetXattr("f"u8, Bytes(name), "v"u8, 0));
        Fails(expected, S.GetXattr("f"u8, Bytes(name), default));
        Fails(expected, S.RemoveXattr("f"u8, Bytes(name)));
    }

    [Fact]
    public void NameLength_EndsAt255()
    {
        Needs(Features.UserXattrs);
        Make("f"u8);
        Ok(S.SetXattr("f"u8, [.. "user."u8, .. Letters(250)], "v"u8, 0));
        Fails(ERANGE, S.SetXattr("f"u8, [.. "user."u8, .. Letters(251)], "v"u8, 0));
        Gives(256, S.ListXattr("f"u8, default));
    }

    [Fact]
    public void Names_AreBytesAndCaseMatters()
    {
        Needs(Features.UserXattrs);
        Make("f"u8);
        Ok(S.SetXattr("f"u8, "user.K"u8, "upper"u8, 0));
        Ok(S.SetXattr("f"u8, "user.k"u8, "lower"u8, 0));
        Ok(S.SetXattr("f"u8, [.. "user."u8, 0xFF, 0x80], "bytes"u8, 0));
        Assert.Equal(("upper", "lower"), (Get("f"u8, "user.K"u8), Get("f"u8, "user.k"u8)));
        Assert.Equal(3, List("f"u8).Length);
    }

    [Fact]
    public void Directories_CanHaveThem()
    {
        Needs(Features.UserXattrs);
        MakeDirectory("d"u8);
        Ok(S.SetXattr("d"u8, "user.k"u8, "v"u8, 0));
        Assert.Equal("v", Get("d"u8, "user.k"u8));
    }

    [Fact]
    public void UserAttributes_AreForFilesAndDirectoriesOnly()
    {
        Needs(Features.UserXattrs | Features.Symlinks | Features.SpecialFiles);
        Ok(S.Symlink("nowhere"u8, "link"u8));
        Ok(S.MkFifo("fifo"u8, Oct(644)));
        Fails(EPERM, S.LSetXattr("link"u8, "user.k"u8, "v"u8, 0));
        Fails(EPERM, S.SetXattr("fifo"u8, "user.k"u8, "v"u8, 0));
        Fails(EPERM, S.RemoveXattr("fifo"u8, "user.k"u8));
        Fails(ENODATA, S.GetXattr("fifo"u8, "user.k"u8, default));
        Fails(ENODATA, S.LGetXattr("link"u8, "user.k"u8, default));
    }

    [Fact]
    public void Links_AreFollowedUnlessTheCallDoesNot()
    {
        Needs(Features.UserXattrs | Features.Symlinks | Features.TrustedXattrs);
        Make("f"u8);
        Ok(S.Symlink("f"u8, "link"u8));
        Ok(S.SetXattr("link"u8, "user.k"u8, "v"u8, 0));
        Assert.Equal("v", Get("f"u8, "user.k"u8));
        Gives(0, S.LListXattr("link"u8, default));
        Ok(S.LSetXattr("link"u8, "trusted.k"u8, "t"u8, 0));
        Gives(1, S.LGetXattr("link"u8, "trusted.k"u8, new byte[5]));
        Fails(ENODATA, S.GetXattr("link"u8, "trusted.k"u8, new byte[5]));
        Ok(S.LRemoveXattr("link"u8, "trusted.k"u8));
    }

    [Fact]
    public void Descriptors_WorkToo()
    {
        Needs(Features.UserXattrs);
        Make("f"u8);
        int fd = Open("f"u8, O_RDONLY);
        Ok(S.FSetXattr(fd, "user.k"u8, "value"u8, 0));
        Gives(5, S.FGetXattr(fd, "user.k"u8, new byte[10]));
        Gives(7, S.FListXattr(fd, new byte[10]));
        Ok(S.FRemoveXattr(fd, "user.k"u8));
        Fails(ENODATA, S.FGetXattr(fd, "user.k"u8, default));
        int path = Open("f"u8, O_PATH);
        Fails(EBADF, S.FSetXattr(path, "user.k"u8, "v"u8, 0));
        Fails(EBADF, S.FGetXattr(path, "user.k"u8, default));
        Fails(EBADF, S.FListXattr(-1, default));
    }

    [Fact]
    public void UserAttributes_NeedPermissionOnTheContent()
    {
        Needs(Features.UserXattrs | Features.Ownership);
        Make("f"u8);
        Ok(S.SetXattr("f"u8, "user.k"u8, "v"u8, 0));
        ISyscalls user = ForkAs(1000, 1000);
        Gives(1, user.GetXattr("f"u8, "user.k"u8, new byte[5]));
        Fails(EACCES, user.SetXattr("f"u8, "user.k"u8, "w"u8, 0));
        Fails(EACCES, user.RemoveXattr("f"u8, "user.k"u8));
        Ok(S.ChMod("f"u8, Oct(662)));
        Fails(EACCES, user.GetXattr("f"u8, "user.k"u8, new byte[5]));
        Ok(user.SetXattr("f"u8, "user.k"u8, "w"u8, 0));
        Gives(7, user.ListXattr("f"u8, default));
    }

    [Fact]
    public void UserAttributes_InAStickyDirectoryAreForItsOwner()
    {
        Needs(Features.UserXattrs | Features.Ownership);
        MakeDirectory("s"u8);
        Ok(S.ChMod("s"u8, Oct(1777)));
        Fails(EPERM, ForkAs(1000, 1000).SetXattr("s"u8, "user.k"u8, "v"u8, 0));
    }

    [Fact]
    public void TrustedAttributes_AreHiddenFromUnprivilegedProcesses()
    {
        Needs(Features.TrustedXattrs | Features.Ownership);
        Make("f"u8);
        Ok(S.ChMod("f"u8, Oct(666)));
        Ok(S.SetXattr("f"u8, "trusted.k"u8, "v"u8, 0));
        Assert.Equal(["trusted.k"], List("f"u8));
        ISyscalls user = ForkAs(1000, 1000);
        Fails(ENODATA, user.GetXattr("f"u8, "trusted.k"u8, new byte[5]));
        Fails(EPERM, user.SetXattr("f"u8, "trusted.k"u8, "w"u8, 0));
        Fails(EPERM, user.RemoveXattr("f"u8, "trusted.k"u8));
        Gives(0, user.ListXattr("f"u8, default));
    }

    [Fact]
    public void Set_ChangesTheChangeTimeOnly()
    {
        Needs(Features.UserXattrs);
        Make("f"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1000, 0), new(1000, 0)], 0));
        KernelTimespec before = Stat("f"u8).ChangeTime;
        Thread.Sleep(15);   // More than one tick of the coarsest clock in use.
        Ok(S.SetXattr("f"u8, "user.k"u8, "v"u8, 0));
        KernelStat after = Stat("f"u8);
        Assert.NotEqual(before, after.ChangeTime);
        Assert.Equal(1000, after.ModifyTime.Seconds);
    }

    [Fact]
    public void Rename_KeepsThem()
    {
        Needs(Features.UserXattrs);
        Make("f"u8);
        Ok(S.SetXattr("f"u8, "user.k"u8, "v"u8, 0));
        Ok(S.Rename("f"u8, "g"u8));
        Assert.Equal("v", Get("g"u8, "user.k"u8));
    }

    private string Get(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name)
    {
        byte[] value = new byte[65536];
        return Encoding.Latin1.GetString(value, 0, (int)Ok(S.GetXattr(path, name, value)));
    }

    private string[] List(ReadOnlySpan<byte> path)
    {
        byte[] list = new byte[65536];
        string names = Encoding.Latin1.GetString(list, 0, (int)Ok(S.ListXattr(path, list)));
        Assert.True(names.Length == 0 || names[^1] == '\0');
        return [.. names.Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
    }
}
