// chmod, chown, access, and what the sticky, set-group-id and set-user-id bits do.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Who may do what.</summary>
public abstract class PermissionSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Theory]
    [InlineData(0)]
    [InlineData(644)]
    [InlineData(777)]
    [InlineData(4755)]
    [InlineData(7777)]
    public void ChMod_SetsAllTwelveBits(int mode)
    {
        Needs(Features.Ownership);
        Make("f"u8);
        MakeDirectory("d"u8);
        Ok(S.ChMod("f"u8, Oct(mode)));
        Ok(S.ChMod("d"u8, Oct(mode)));
        Assert.Equal((S_IFREG | Oct(mode), S_IFDIR | Oct(mode)), (Stat("f"u8).Mode, Stat("d"u8).Mode));
    }

    [Fact]
    public void ChMod_IgnoresBitsOfTheType()
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChMod("f"u8, S_IFDIR | Oct(600)));
        Assert.Equal(S_IFREG | Oct(600), Stat("f"u8).Mode);
    }

    [Fact]
    public void ChMod_MovesTheChangeTimeOnly()
    {
        Make("f"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1000, 0), new(1000, 0)], 0));
        Ok(S.ChMod("f"u8, Oct(600)));
        Assert.Equal(1000, Stat("f"u8).ModifyTime.Seconds);
        Assert.True(Stat("f"u8).ChangeTime.Seconds > 1000);
    }

    [Fact]
    public void ChMod_FollowsLinksAndRefusesTheLinkItself()
    {
        Needs(Features.Ownership | Features.Symlinks);
        Make("f"u8);
        Ok(S.Symlink("f"u8, "link"u8));
        Ok(S.ChMod("link"u8, Oct(600)));
        Assert.Equal(Oct(600), Stat("f"u8).Permissions);
        Fails(EOPNOTSUPP, S.FChModAt2(AT_FDCWD, "link"u8, Oct(640), AT_SYMLINK_NOFOLLOW));
        Ok(S.FChModAt2(AT_FDCWD, "f"u8, Oct(640), AT_SYMLINK_NOFOLLOW));
        Assert.Equal(Oct(640), Stat("f"u8).Permissions);
    }

    [Fact]
    public void NewFile_InAGroupsDirectory_LosesTheGroupBitThatAStrangerAskedFor_WhateverTheUmask()
    {
        Needs(Features.Ownership);
        MakeDirectory("d"u8);
        Ok(S.ChMod("d"u8, Oct(2777)));
        using ISyscalls child = ForkAs(1000, 1000);
        _ = child.Umask(Oct(777));
        Ok(child.Open("d/f"u8, O_CREAT | O_WRONLY, Oct(7777)));
        Assert.Equal(Oct(5000), Stat("d/f"u8).Permissions);
    }

    // Set-group-id without execution is a mark for locking, and stays only with those who could set it.
    [Fact]
    public void Write_ByAStranger_DropsTheGroupMark()
    {
        Needs(Features.CallersRights | Features.Ownership);
        Make("f"u8);
        Ok(S.ChMod("f"u8, Oct(2666)));
        using ISyscalls member = ForkAs(1000, 0);
        Gives(1, member.Write((int)Ok(member.Open("f"u8, O_WRONLY)), "x"u8));
        Assert.Equal(Oct(2666), Stat("f"u8).Permissions);
        using ISyscalls stranger = ForkAs(1000, 1000);
        Gives(1, stranger.Write((int)Ok(stranger.Open("f"u8, O_WRONLY)), "x"u8));
        Assert.Equal(Oct(666), Stat("f"u8).Permissions);
    }

    [Fact]
    public void FChMod_WorksOnDescriptors()
    {
        Needs(Features.Ownership);
        Make("f"u8);
        int fd = Open("f"u8, O_RDONLY);
        Ok(S.FChMod(fd, Oct(640)));
        Assert.Equal(Oct(640), Stat("f"u8).Permissions);
        Ok(S.FChModAt2(fd, ""u8, Oct(600), AT_EMPTY_PATH));
        Assert.Equal(Oct(600), Stat("f"u8).Permissions);
        Fails(EBADF, S.FChMod(-1, Oct(600)));
        Fails(EINVAL, S.FChModAt2(AT_FDCWD, "f"u8, Oct(600), 1));
    }

    [Fact]
    public void ChMod_IsForTheOwner()
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChOwn("f"u8, 1000, 1000));
        Fails(EPERM, ForkAs(1001, 1000).ChMod("f"u8, Oct(777)));
        Ok(ForkAs(1000, 1000).ChMod("f"u8, Oct(600)));
    }

    [Fact]
    public void ChMod_ByAnOwnerOutsideTheGroup_DropsSetGid()
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChOwn("f"u8, 1000, 2000));
        Ok(ForkAs(1000, 1000).ChMod("f"u8, Oct(2755)));
        Assert.Equal(Oct(755), Stat("f"u8).Permissions);
        Ok(ForkAs(1000, 1000, 2000).ChMod("f"u8, Oct(2755)));
        Assert.Equal(Oct(2755), Stat("f"u8).Permissions);
        Ok(S.ChMod("f"u8, Oct(2700)));
        Assert.Equal(Oct(2700), Stat("f"u8).Permissions);
    }

    [Fact]
    public void ChOwn_SetsBothAndMinusOneKeeps()
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChOwn("f"u8, 1000, 2000));
        Ok(S.ChOwn("f"u8, uint.MaxValue, 2001));
        Ok(S.ChOwn("f"u8, 1001, uint.MaxValue));
        Assert.Equal((1001u, 2001u), (Stat("f"u8).Uid, Stat("f"u8).Gid));
        Ok(S.ChOwn("f"u8, 4_000_000_000, 3_000_000_000));
        Assert.Equal((4_000_000_000u, 3_000_000_000u), (Stat("f"u8).Uid, Stat("f"u8).Gid));
    }

    [Fact]
    public void LChOwn_ChangesTheLink()
    {
        Needs(Features.Ownership | Features.Symlinks);
        Make("f"u8);
        Ok(S.Symlink("f"u8, "link"u8));
        Ok(S.LChOwn("link"u8, 1000, 2000));
        Assert.Equal((1000u, 0u), (LStat("link"u8).Uid, Stat("f"u8).Uid));
        Ok(S.ChOwn("link"u8, 1001, 2001));
        Assert.Equal((1000u, 1001u), (LStat("link"u8).Uid, Stat("f"u8).Uid));
    }

    [Theory]
    [InlineData(6755, 755)]
    [InlineData(4755, 755)]
    [InlineData(2755, 755)]
    [InlineData(2745, 2745)]   // Without group execution the bit means mandatory locking.
    public void ChOwn_OfAFileClearsSetIdBits(int mode, int expected)
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChMod("f"u8, Oct(mode)));
        Ok(S.ChOwn("f"u8, 1000, 1000));
        Assert.Equal(Oct(expected), Stat("f"u8).Permissions);
    }

    [Fact]
    public void ChOwn_OfADirectoryKeepsSetIdBits()
    {
        Needs(Features.Ownership);
        MakeDirectory("d"u8);
        Ok(S.ChMod("d"u8, Oct(6755)));
        Ok(S.ChOwn("d"u8, 1000, 1000));
        Assert.Equal(Oct(6755), Stat("d"u8).Permissions);
    }

    [Fact]
    public void ChOwn_ByTheOwner_MayChooseAmongItsGroups()
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChOwn("f"u8, 1000, 1000));
        ISyscalls user = ForkAs(1000, 1000, 2000);
        Ok(user.ChOwn("f"u8, uint.MaxValue, 2000));
        Ok(user.ChOwn("f"u8, 1000, 1000));
        Fails(EPERM, user.ChOwn("f"u8, uint.MaxValue, 3000));
        Fails(EPERM, user.ChOwn("f"u8, 1001, uint.MaxValue));
        Fails(EPERM, ForkAs(1001, 1000).ChOwn("f"u8, uint.MaxValue, 1000));
        Assert.Equal((1000u, 1000u), (Stat("f"u8).Uid, Stat("f"u8).Gid));
    }

    [Fact]
    public void FChOwn_WorksOnDescriptors()
    {
        Needs(Features.Ownership);
        Make("f"u8);
        int fd = Open("f"u8, O_RDONLY);
        Ok(S.FChOwn(fd, 5, 6));
        Ok(S.FChOwnAt(fd, ""u8, 7, uint.MaxValue, AT_EMPTY_PATH));
        Assert.Equal((7u, 6u), (Stat("f"u8).Uid, Stat("f"u8).Gid));
        Fails(EBADF, S.FChOwn(Open("f"u8, O_PATH), 1, 1));
        Ok(S.FChOwnAt(Open("f"u8, O_PATH), ""u8, 8, uint.MaxValue, AT_EMPTY_PATH));
        Fails(EINVAL, S.FChOwnAt(AT_FDCWD, "f"u8, 1, 1, 1));
    }

    [Theory]
    [InlineData(0, 0, 0, 7, 7)]
    [InlineData(0, 0, 111, 7, 7)]
    [InlineData(0, 0, 0, 6, 6)]
    [InlineData(1000, 9, 500, 7, 5)]
    [InlineData(1000, 9, 77, 7, 0)]
    [InlineData(1001, 2000, 640, 7, 4)]
    [InlineData(1001, 2001, 641, 7, 1)]
    public void Access_TellsWhatIsPermitted(uint uid, uint gid, int mode, int asked, int expected)
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChOwn("f"u8, 1000, 2000));
        Ok(S.ChMod("f"u8, Oct(mode)));
        ISyscalls process = ForkAs(uid, gid);
        foreach (int bit in new[] { R_OK, W_OK, X_OK }.Where(bit => (asked & bit) != 0))
        {
            // Root may do everything but execute a file that nobody may execute.
            bool may = uid == 0 ? bit != X_OK || mode == 111 : (expected & bit) != 0;
            Gives(may ? 0 : -(long)EACCES, process.Access("f"u8, bit));
        }
        Ok(process.Access("f"u8, F_OK));
    }

    [Fact]
    public void Access_OfARootsDirectory_IsAlwaysGranted()
    {
        Needs(Features.Ownership);
        MakeDirectory("d"u8);
        Ok(S.ChMod("d"u8, 0));
        Ok(S.Access("d"u8, R_OK | W_OK | X_OK));
    }

    [Fact]
    public void Access_OfABadShape_ReturnsEINVAL()
    {
        Make("f"u8);
        Fails(EINVAL, S.FAccessAt2(AT_FDCWD, "f"u8, 8, 0));
        Fails(EINVAL, S.FAccessAt2(AT_FDCWD, "f"u8, -1, 0));
        Fails(EINVAL, S.FAccessAt2(AT_FDCWD, "f"u8, F_OK, 0x40000));
        Ok(S.FAccessAt2(AT_FDCWD, "f"u8, R_OK, AT_EACCESS));
        Ok(S.FAccessAt2(Open("f"u8, O_RDONLY), ""u8, R_OK, AT_EMPTY_PATH));
    }

    [Fact]
    public void Search_NeedsTheExecuteBitOfEveryDirectory()
    {
        Needs(Features.Ownership);
        MakeDirectory("a"u8);
        MakeDirectory("a/b"u8);
        Make("a/b/f"u8);
        ISyscalls user = ForkAs(1000, 1000);
        Ok(user.Access("a/b/f"u8, R_OK));
        Ok(S.ChMod("a"u8, Oct(744)));
        var stat = default(KernelStat);
        Fails(EACCES, user.Stat("a/b/f"u8, ref stat));
        Fails(EACCES, user.Stat("a/missing"u8, ref stat));
        Fails(EACCES, user.Stat("a/."u8, ref stat));
        Fails(EACCES, user.ChDir("a"u8));
        Ok(user.Stat("a"u8, ref stat));
    }

    [Fact]
    public void Descriptor_OfADirectoryStillNeedsSearchPermission()
    {
        Needs(Features.Ownership);
        MakeDirectory("d"u8);
        Make("d/f"u8);
        ISyscalls user = ForkAs(1000, 1000);
        int fd = (int)Ok(user.Open("d"u8, O_DIRECTORY));
        Ok(user.OpenAt(fd, "f"u8, O_RDONLY, 0));
        Ok(S.ChMod("d"u8, Oct(700)));
        Fails(EACCES, user.OpenAt(fd, "f"u8, O_RDONLY, 0));
    }

    [Fact]
    public void Sticky_ProtectsOthersFilesFromRemoval()
    {
        Needs(Features.Ownership);
        MakeDirectory("s"u8);
        Ok(S.ChOwn("s"u8, 1001, 1001));
        Ok(S.ChMod("s"u8, Oct(1777)));
        Make("s/root"u8);
        Make("s/mine"u8);
        Ok(S.ChOwn("s/mine"u8, 1000, 1000));
        MakeDirectory("s/dir"u8);
        ISyscalls user = ForkAs(1000, 1000);
        Fails(EPERM, user.Unlink("s/root"u8));
        Fails(EPERM, user.RmDir("s/dir"u8));
        Ok(user.Unlink("s/mine"u8));
        ISyscalls owner = ForkAs(1001, 1001);
        Ok(owner.Unlink("s/root"u8));
        Ok(owner.RmDir("s/dir"u8));
    }

    [Fact]
    public void Removal_DependsOnTheDirectoryNotTheFile()
    {
        Needs(Features.Ownership);
        MakePublicDirectory("p"u8);
        Make("p/f"u8);
        Ok(S.ChMod("p/f"u8, 0));
        MakeDirectory("q"u8);
        Make("q/f"u8);
        Ok(S.ChMod("q/f"u8, Oct(777)));
        ISyscalls user = ForkAs(1000, 1000);
        Ok(user.Unlink("p/f"u8));
        Fails(EACCES, user.Unlink("q/f"u8));
    }

    [Fact]
    public void SetGidDirectory_GivesItsGroup()
    {
        Needs(Features.Ownership | Features.Symlinks | Features.SpecialFiles);
        MakeDirectory("g"u8);
        Ok(S.ChOwn("g"u8, 0, 2000));
        Ok(S.ChMod("g"u8, Oct(2777)));
        ISyscalls user = ForkAs(1000, 1000);
        Ok(user.Open("g/f"u8, O_CREAT | O_RDWR, Oct(644)));
        Ok(user.MkDir("g/d"u8, Oct(755)));
        Ok(user.MkFifo("g/p"u8, Oct(644)));
        Ok(user.Symlink("t"u8, "g/l"u8));
        Assert.Equal((2000u, 2000u, 2000u, 2000u), (Stat("g/f"u8).Gid, Stat("g/d"u8).Gid, Stat("g/p"u8).Gid, LStat("g/l"u8).Gid));
        Assert.Equal((Oct(644), Oct(2755)), (Stat("g/f"u8).Permissions, Stat("g/d"u8).Permissions));
    }

    [Fact]
    public void SetGidDirectory_DropsSetGidOfNewFilesForStrangers()
    {
        Needs(Features.Ownership);
        MakeDirectory("g"u8);
        Ok(S.ChOwn("g"u8, 0, 2000));
        Ok(S.ChMod("g"u8, Oct(2777)));
        ISyscalls user = ForkAs(1000, 1000);
        Ok(user.Umask(0));
        Ok(user.Open("g/f"u8, O_CREAT | O_RDWR, Oct(2755)));
        Assert.Equal(Oct(755), Stat("g/f"u8).Permissions);
        ISyscalls member = ForkAs(1000, 1000, 2000);
        Ok(member.Umask(0));
        Ok(member.Open("g/m"u8, O_CREAT | O_RDWR, Oct(2755)));
        Assert.Equal(Oct(2755), Stat("g/m"u8).Permissions);
    }

    [Fact]
    public void Umask_IsPerProcessAndMasked()
    {
        Needs(Features.Ownership);
        ISyscalls other = Fork();
        Gives(Oct(22), S.Umask(Oct(7077)));
        Gives(Oct(77), S.Umask(Oct(77)));
        Gives(Oct(22), other.Umask(Oct(22)));
        Open("f"u8, O_CREAT | O_RDWR, Oct(666));
        Ok(other.Open("g"u8, O_CREAT | O_RDWR, Oct(666)));
        Assert.Equal((Oct(600), Oct(644)), (Stat("f"u8).Permissions, Stat("g"u8).Permissions));
    }

    [Fact]
    public void Root_PassesWherePermissionsEnd()
    {
        Needs(Features.Ownership);
        MakeDirectory("d"u8);
        Make("d/f"u8, "abc"u8);
        Ok(S.ChOwn("d"u8, 1000, 1000));
        Ok(S.ChMod("d/f"u8, 0));
        Ok(S.ChMod("d"u8, 0));
        Assert.Equal("abc", Text("d/f"u8));
        Make("d/g"u8);
        Assert.Equal(["f", "g"], Names("d"u8));
    }

    [Fact]
    public void ProtectedCalls_NeedPrivilege()
    {
        Needs(Features.Ownership);
        MakePublicDirectory("p"u8);
        ISyscalls user = ForkAs(1000, 1000);
        Fails(EPERM, user.ChRoot("p"u8));
        Fails(EPERM, user.Mount("t"u8, "p"u8, TestMount.ScratchType, 0, default));
        Fails(EPERM, user.Umount("/shm"u8));
        Fails(EPERM, user.PivotRoot("p"u8, "p"u8));
    }
}
