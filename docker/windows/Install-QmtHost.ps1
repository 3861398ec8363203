<#
.SYNOPSIS
    Installs, upgrades, checks or removes the workers of one QMT host on Windows.

.DESCRIPTION
    Everything may be run again: what is there is left or replaced. The workers run as a scheduled task of the person
    under whom the QMT terminal is logged in, because the terminal is a desktop program and its SDK finds it in that
    person's session only; a Windows service would live in another one. The task starts at logon and is looked after
    every minute; the command it runs, manage.py qmthost, restarts each worker by itself.

    A stop is as sudden as a power cut, on purpose: rows in the platform's database decide about every order.

.EXAMPLE
    .\Install-QmtHost.ps1 -Action Install -Source D:\qmt-desk -Wheels D:\wheels -PlatformUrl https://desk.example.org
    Asks for the code that `manage.py host_credentials NAME --out FOLDER` printed on the platform.
.EXAMPLE
    .\Install-QmtHost.ps1 -Action Upgrade -Source D:\qmt-desk-1.1 -Wheels D:\wheels
.EXAMPLE
    .\Install-QmtHost.ps1 -Action Uninstall
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [Parameter(Mandatory = $true)]
    [ValidateSet('Install', 'Upgrade', 'Status', 'Stop', 'Start', 'Uninstall')]
    [string] $Action,

    # Folder of the platform's release, the one with manage.py.
    [string] $Source = '',

    # Folder with a wheel for every line of requirements.txt (made by: pip download -r requirements.txt on Windows).
    [string] $Wheels = '',

    # Address of the platform, https://desk.example.org.
    [string] $PlatformUrl = '',

    # Authority of that address, a PEM file; only where it is a private one.
    [string] $CaFile = '',

    # Python 3.11 to 3.13, 64 bit: the SDK's native modules exist for no other.
    [string] $Python = 'python.exe',

    [string] $InstallDir = 'C:\QmtDesk',

    # Who is logged in where the terminal runs.
    [string] $User = "$env:USERDOMAIN\$env:USERNAME",

    # Change the machine's time zone when it is another one; without it the installation stops and says so.
    [switch] $SetTimeZone,

    # Uninstall: leave logs and settings where they are.
    [switch] $KeepState
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$TaskName = 'QMT Desk host'
$RequiredTimeZone = 'China Standard Time'
$StateDir = Join-Path $InstallDir 'state'
$ReleaseDir = Join-Path $InstallDir 'releases'
$CurrentFile = Join-Path $InstallDir 'current.txt'
$KeptReleases = 2

function Assert-Administrator {
    $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object Security.Principal.WindowsPrincipal($identity)
    if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        throw 'Run this in a PowerShell that was started as administrator.'
    }
}

function Assert-TimeZone {
    # The SDK converts every time with the machine's zone: under another one dates shift by a day.
    $found = (Get-TimeZone).Id
    if ($found -eq $RequiredTimeZone) { return }
    if (-not $SetTimeZone) {
        throw "This machine's time zone is '$found'; the SDK needs '$RequiredTimeZone'. Run again with -SetTimeZone."
    }
    Set-TimeZone -Id $RequiredTimeZone
    Write-Host "The time zone was '$found' and is now '$RequiredTimeZone'."
}

function Enable-ClockSync {
    # manage.py host_check compares the clock with the database's; this keeps it right.
    Set-Service -Name W32Time -StartupType Automatic
    Start-Service -Name W32Time
    & w32tm.exe /resync | Out-Null
    if ($LASTEXITCODE -ne 0) {
        Write-Warning 'The clock could not be set now (w32tm /resync). host_check says how far it is off.'
    }
}

function Assert-Python {
    $words = 'import struct, sys; print(struct.calcsize("P") * 8, *sys.version_info[:2])'
    $found = & $Python -c $words
    if ($LASTEXITCODE -ne 0) { throw "$Python does not run." }
    $bits, $major, $minor = $found.Split(' ')
    if ($bits -ne '64' -or $major -ne '3' -or [int] $minor -lt 11 -or [int] $minor -gt 13) {
        throw "$Python is Python $major.$minor with $bits bits; 3.11 to 3.13 with 64 bits is needed."
    }
}

function Invoke-Checked {
    param([string] $File, [string[]] $Arguments)
    & $File @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$File $($Arguments -join ' ') ended with $LASTEXITCODE." }
}

function Get-Release {
    if (-not (Test-Path $CurrentFile)) { return '' }
    return (Get-Content -Path $CurrentFile -Raw).Trim()
}

function Get-ReleasePython {
    param([string] $Release)
    return Join-Path $Release 'venv\Scripts\python.exe'
}

function Invoke-Manage {
    param([string] $Release, [string[]] $Arguments)
    Push-Location (Join-Path $Release 'app')
    try {
        $env:DESK_STATE_DIR = $StateDir
        Invoke-Checked (Get-ReleasePython $Release) (@('manage.py') + $Arguments)
    } finally {
        Remove-Item Env:\DESK_STATE_DIR
        Pop-Location
    }
}

function New-Release {
    # A release is a folder of its own, code and packages: what runs is untouched until the new one stands.
    if (-not (Test-Path (Join-Path $Source 'manage.py'))) { throw "-Source $Source has no manage.py." }
    if (-not (Test-Path $Wheels)) { throw "-Wheels $Wheels is no folder." }
    $release = Join-Path $ReleaseDir (Get-Date -Format 'yyyyMMdd-HHmmss')
    New-Item -ItemType Directory -Path $release -Force | Out-Null
    & robocopy.exe $Source (Join-Path $release 'app') /E /XD .git .venv var node_modules /XF .env /NFL /NDL /NJH /NJS | Out-Null
    if ($LASTEXITCODE -ge 8) { throw "The release could not be copied (robocopy: $LASTEXITCODE)." }
    Invoke-Checked $Python @('-m', 'venv', (Join-Path $release 'venv'))
    # Nothing is fetched: every package comes from the folder, in the pinned version.
    Invoke-Checked (Get-ReleasePython $release) @(
        '-m', 'pip', 'install', '--quiet', '--no-index', '--find-links', $Wheels,
        '-r', (Join-Path $release 'app\requirements.txt')
    )
    return $release
}

function Protect-Path {
    # Only the person of the task, the system and administrators: the settings hold the host's passwords.
    param([string] $Path)
    $rights = if (Test-Path $Path -PathType Container) { '(OI)(CI)F' } else { 'F' }
    Invoke-Checked 'icacls.exe' @(
        $Path, '/inheritance:r', '/grant:r', "${User}:$rights", "*S-1-5-18:$rights", "*S-1-5-32-544:$rights", '/Q'
    )
}

function Invoke-Enrolment {
    param([string] $Release)
    if (-not $PlatformUrl.StartsWith('https://')) { throw '-PlatformUrl begins with https://.' }
    $secret = Read-Host -Prompt 'Code of manage.py host_credentials' -AsSecureString
    $code = [Net.NetworkCredential]::new('', $secret).Password
    $arguments = @('manage.py', 'host_enrol', '--url', $PlatformUrl, '--env-file', (Join-Path $Release 'app\.env'))
    if ($CaFile) { $arguments += @('--ca', $CaFile) }
    Push-Location (Join-Path $Release 'app')
    try {
        $env:DESK_STATE_DIR = $StateDir
        # On standard input: a command line can be read by every process of the machine.
        $code | & (Get-ReleasePython $Release) @arguments
        if ($LASTEXITCODE -ne 0) { throw 'The credentials could not be fetched.' }
    } finally {
        Remove-Item Env:\DESK_STATE_DIR
        Pop-Location
    }
}

function Register-HostTask {
    param([string] $Release)
    $run = New-ScheduledTaskAction -Execute (Get-ReleasePython $Release) -Argument 'manage.py qmthost' `
        -WorkingDirectory (Join-Path $Release 'app')
    $atLogOn = New-ScheduledTaskTrigger -AtLogOn -User $User
    # Task Scheduler restarts what it could not start, not what ended: so it is looked after every minute.
    $everyMinute = New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Minutes 1)
    $settings = New-ScheduledTaskSettingsSet -MultipleInstances IgnoreNew -ExecutionTimeLimit ([TimeSpan]::Zero) `
        -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) -AllowStartIfOnBatteries `
        -DontStopIfGoingOnBatteries -StartWhenAvailable
    $principal = New-ScheduledTaskPrincipal -UserId $User -LogonType Interactive -RunLevel Limited
    Register-ScheduledTask -TaskName $TaskName -Action $run -Trigger @($atLogOn, $everyMinute) -Settings $settings `
        -Principal $principal -Force | Out-Null
}

function Get-HostTask {
    return Get-ScheduledTask -TaskName $TaskName -ErrorAction SilentlyContinue
}

function Stop-Host {
    if (-not (Get-HostTask)) { return }
    Disable-ScheduledTask -TaskName $TaskName | Out-Null
    Stop-ScheduledTask -TaskName $TaskName
    # The workers end with their parent; what still runs from our folder after that would hold its files.
    $deadline = (Get-Date).AddSeconds(20)
    while ((Get-OwnProcesses) -and (Get-Date) -lt $deadline) { Start-Sleep -Milliseconds 500 }
    Get-OwnProcesses | Stop-Process -Force
}

function Get-OwnProcesses {
    return @(Get-Process | Where-Object { $_.Path -and $_.Path.StartsWith("$ReleaseDir\") })
}

function Start-Host {
    Enable-ScheduledTask -TaskName $TaskName | Out-Null
    Start-ScheduledTask -TaskName $TaskName
}

function Set-Release {
    param([string] $Release)
    Register-HostTask $Release
    Set-Content -Path $CurrentFile -Value $Release -Encoding ascii
}

function Remove-OldReleases {
    $current = Get-Release
    Get-ChildItem -Path $ReleaseDir -Directory | Sort-Object -Property Name -Descending |
        Select-Object -Skip $KeptReleases | Where-Object { $_.FullName -ne $current } |
        Remove-Item -Recurse -Force
}

function Install-Host {
    Assert-Administrator
    Assert-TimeZone
    Enable-ClockSync
    Assert-Python
    New-Item -ItemType Directory -Path $StateDir -Force | Out-Null
    Protect-Path $StateDir
    $release = New-Release
    Invoke-Enrolment $release
    Protect-Path (Join-Path $release 'app\.env')
    Invoke-Manage $release @('host_check')
    Stop-Host
    Set-Release $release
    Start-Host
    Write-Host "The host's workers run. Log: $(Join-Path $StateDir 'log')"
}

function Update-Host {
    Assert-Administrator
    Assert-TimeZone
    Assert-Python
    $previous = Get-Release
    if (-not $previous) { throw "Nothing is installed in ${InstallDir}: use -Action Install." }
    $release = New-Release
    Copy-Item -Path (Join-Path $previous 'app\.env') -Destination (Join-Path $release 'app\.env')
    Protect-Path (Join-Path $release 'app\.env')
    Stop-Host
    try {
        Invoke-Manage $release @('host_check')
        Set-Release $release
    } catch {
        Set-Release $previous
        Write-Warning "The new release was not taken; $previous runs again."
        throw
    } finally {
        Start-Host
    }
    Remove-OldReleases
    Write-Host "$release runs."
}

function Show-Status {
    $task = Get-HostTask
    if (-not $task) { Write-Host 'Not installed.'; return }
    Write-Host "Task: $($task.State), release: $(Get-Release)"
    Invoke-Manage (Get-Release) @('host_check')
}

function Uninstall-Host {
    Assert-Administrator
    Stop-Host
    if (Get-HostTask) { Unregister-ScheduledTask -TaskName $TaskName -Confirm:$false }
    if (Test-Path $ReleaseDir) { Remove-Item -Path $ReleaseDir -Recurse -Force }
    if (-not $KeepState -and (Test-Path $InstallDir)) { Remove-Item -Path $InstallDir -Recurse -Force }
    Write-Host 'Removed. On the platform: manage.py host_credentials NAME --out FOLDER --revoke'
}

switch ($Action) {
    'Install' { Install-Host }
    'Upgrade' { Update-Host }
    'Status' { Show-Status }
    'Start' { Assert-Administrator; Start-Host }
    'Stop' { Assert-Administrator; Stop-Host }
    'Uninstall' { if ($PSCmdlet.ShouldProcess($InstallDir, 'Remove the QMT host')) { Uninstall-Host } }
}
