/** Every error of this room: code, what it means for the operator, what to do. `docs/errors.md` is generated from it. */
export interface ErrorEntry {
  readonly code: `DRV-${number}`;
  readonly meaning: string;
  readonly cure: string;
  /** true: the agent goes on trying by itself. */
  readonly retryable: boolean;
}

export const driverErrors = {
  profileUnknown: {
    code: 'DRV-100',
    meaning: 'The configuration names a profile that is not there.',
    cure: 'Use one of the shipped profiles (drivers/profiles) or the path of your own profile file.',
    retryable: false,
  },
  profileInvalid: {
    code: 'DRV-101',
    meaning: 'A profile file is not valid YAML or does not describe a machine the way a profile must.',
    cure: 'Correct the places the message lists; drivers/profiles has working examples.',
    retryable: false,
  },
  machineUnreadable: {
    code: 'DRV-102',
    meaning: 'A machine cannot be read at present: it is not reached, does not answer, or refuses the agent.',
    cure: 'Check what the reason says: that the machine is on, its cable and network, its endpoint, its certificate or password. Reading goes on by itself.',
    retryable: true,
  },
  sourceTimesDoubted: {
    code: 'DRV-103',
    meaning:
      'The clock of a machine is wrong: its times are corrected by the measured offset, or replaced by those of receipt.',
    cure: 'Set the clock of the machine or its server, best by NTP. Values, counters and alerts are not affected.',
    retryable: true,
  },
  modbusEndpointInvalid: {
    code: 'DRV-110',
    meaning: 'The endpoint of a Modbus machine is none of the known forms.',
    cure: 'Write it as modbus://host:502, modbus+rtu://host:4001, modbus+rtu:///dev/ttyUSB0?baudRate=19200&parity=even or modbus+ascii:///dev/ttyUSB0.',
    retryable: false,
  },
  modbusMachineInvalid: {
    code: 'DRV-111',
    meaning: 'A machine on a Modbus connection cannot be polled as it is configured.',
    cure: 'Give it a profile with "protocol: modbus", a unit id of its own on the bus, and poll classes its profile has.',
    retryable: false,
  },
  writeHeldBack: {
    code: 'DRV-120',
    meaning: 'A frame that would write something no profile allows was about to leave. It was held back.',
    cure: 'Nothing reached the machine. This is a fault of the program: please report it with the log line.',
    retryable: false,
  },
  writeNotAllowed: {
    code: 'DRV-121',
    meaning: 'A write was asked for that is not allowed. Nothing was sent.',
    cure: 'Choose a set-point of the profile and a value inside its range; writing must be enabled for the machine (machines[].writes) and its unit must not be 0.',
    retryable: false,
  },
  writeNotSent: {
    code: 'DRV-122',
    meaning: 'A write did not leave: the machine is not connected, or the line was busy until its time was over.',
    cure: 'Nothing reached the machine. Check that it is read, then propose the write anew.',
    retryable: false,
  },
  writeRefused: {
    code: 'DRV-123',
    meaning: 'The machine answered that it does not take the value.',
    cure: 'Exception 1: it does not know the function. 2: not the address. 3: not the value. 4: it failed. 6: it is busy, often because it runs. Look at the machine, then propose anew.',
    retryable: false,
  },
  writeUnknown: {
    code: 'DRV-124',
    meaning:
      'A write left and whether the machine did it is not known. It was not repeated; the value that was read back after it is shown.',
    cure: 'Look at the machine. When what was read back is not what you want, propose the write anew.',
    retryable: false,
  },
  opcuaEndpointInvalid: {
    code: 'DRV-200',
    meaning: 'The endpoint of an OPC UA machine is not an opc.tcp address.',
    cure: 'Write it as opc.tcp://host:4840/path.',
    retryable: false,
  },
  opcuaProfileMissing: {
    code: 'DRV-201',
    meaning: 'An OPC UA endpoint is given a machine whose profile is not for OPC UA, or no machine at all.',
    cure: 'Name a profile with "protocol: opcua", such as knit-circular-opcua.',
    retryable: false,
  },
  opcuaFingerprintInvalid: {
    code: 'DRV-202',
    meaning: 'A certificate fingerprint is not a SHA-256 in hexadecimal.',
    cure: 'Copy the fingerprint as the log line or `selvedge trust list` shows it: 64 hexadecimal digits.',
    retryable: false,
  },
  opcuaCertificateInvalid: {
    code: 'DRV-203',
    meaning: 'A file is not an X.509 certificate in DER or PEM form.',
    cure: 'Export the certificate of the OPC UA server as .der or .pem and add that file.',
    retryable: false,
  },
  opcuaCertificateUnknown: {
    code: 'DRV-204',
    meaning: 'No certificate with this fingerprint is in the trust folder or among the rejected ones.',
    cure: 'Run `selvedge trust list` to see the fingerprints; the agent must have met the server once for it to be listed.',
    retryable: false,
  },
  opcuaOwnCertificate: {
    code: 'DRV-205',
    meaning: 'The own key or certificate of the agent for OPC UA cannot be made or read.',
    cure: 'Check that the folder of keys can be written by the user the agent runs as, and that the disk is not full.',
    retryable: true,
  },
  opcuaPasswordUnprotected: {
    code: 'DRV-206',
    meaning:
      'A user and password are configured for an OPC UA machine without encryption, where anybody could read them.',
    cure: 'Use security SignAndEncrypt, or leave out user and password.',
    retryable: false,
  },
  opcuaTrustUnwritable: {
    code: 'DRV-207',
    meaning: 'The folder of trusted certificates cannot be written, so nothing changed in it.',
    cure: 'Run the command as the user the agent runs as, and check the folder and the free space of its disk.',
    retryable: false,
  },
  opcuaTooManySignals: {
    code: 'DRV-208',
    meaning: 'An OPC UA machine shows more variables than the agent finds and watches by itself.',
    cure: 'Nothing is wrong with those that are watched. For the others write a profile that names the ones you need.',
    retryable: true,
  },
  opcuaUserKeyInvalid: {
    code: 'DRV-209',
    meaning: 'The certificate or key of the user at an OPC UA server cannot be used.',
    cure: 'Give userCertificate and userKey as PEM files that belong together; the key without a pass phrase.',
    retryable: false,
  },
  lineEndpointInvalid: {
    code: 'DRV-300',
    meaning: 'The endpoint of a line machine is neither a serial port nor a TCP address.',
    cure: 'Write it as tcp://host:port, serial:///dev/serial/by-id/NAME?baudRate=9600&parity=none or serial://usb/VID:PID?baudRate=9600.',
    retryable: false,
  },
  lineProfileMissing: {
    code: 'DRV-301',
    meaning: 'A line endpoint is given a machine whose profile is not for a line of fields.',
    cure: 'Name a profile with "protocol: line", such as sewing-retrofit-csv.',
    retryable: false,
  },
  serialPortAmbiguous: {
    code: 'DRV-310',
    meaning:
      'Several serial ports have the USB ids the endpoint names, so none is opened: it could be the wrong machine.',
    cure: 'Add the serial number of the adapter, serial://usb/VID:PID/SERIAL, or where it has none use the path below /dev/serial/by-path, which is that of the socket.',
    retryable: true,
  },
  driveMonitored: {
    code: 'DRV-311',
    meaning:
      'A drive is set to stop when it is not polled (EFKA parameter E3 is not 0), or does not say whether it is. It is not polled, so that the agent can never stop it.',
    cure: 'Let the supplier of the machine set E3 to 0 if no control of the machine needs it, then start the agent anew. The drive is asked again by itself after an hour.',
    retryable: true,
  },
  driveInvalid: {
    code: 'DRV-312',
    meaning: 'An EFKA drive on a line cannot be polled as it is configured.',
    cure: 'Give it a profile with "protocol: efka", an address (unit) of its own from 128 to 255, and poll classes its profile has.',
    retryable: false,
  },
  serialPortAbsent: {
    code: 'DRV-313',
    meaning: 'No serial port has the USB ids the endpoint names.',
    cure: 'Plug the adapter in. `lsusb` lists the ids of what is plugged in, `ls -l /dev/serial/by-id` the ports with names.',
    retryable: true,
  },
  knitFloorEndpointInvalid: {
    code: 'DRV-330',
    meaning: 'The endpoint of a knit floor machine is none of the known forms.',
    cure: 'Write it as knit-floor+tcp-listen://ADDRESS:PORT with the address of this computer the machines call, or as tcp://host:port or serial:///dev/… where the agent calls.',
    retryable: false,
  },
  knitFloorMachineInvalid: {
    code: 'DRV-331',
    meaning: 'A machine of the knit floor cannot be told from the others, or has a profile of another protocol.',
    cure: 'Give it a profile with "protocol: knit-floor" and, where several call one port, the number it sends as its unit.',
    retryable: false,
  },
  knitFloorNotListening: {
    code: 'DRV-332',
    meaning: 'The agent cannot listen on the port the knitting machines call.',
    cure: 'End the program that listens there, or correct address and port of the endpoint; the address must be one of this computer. It is tried again by itself.',
    retryable: true,
  },
  knitFloorRefused: {
    code: 'DRV-333',
    meaning: 'Somebody called the port of the knitting machines and gave no number of a configured machine.',
    cure: 'Configure the machine with the number of the message as its unit, or find out what else calls this port.',
    retryable: true,
  },
  stollEndpointInvalid: {
    code: 'DRV-340',
    meaning: 'The endpoint of a machine with an event stream is none of the known forms.',
    cure: 'Write it as tcp://host:port, serial:///dev/…?baudRate=9600 or file:///path/of/events.jsonl.',
    retryable: false,
  },
  stollProfileMissing: {
    code: 'DRV-341',
    meaning: 'A machine with an event stream has a profile of another protocol.',
    cure: 'Name a profile with "protocol: stoll-events", such as knit-flat-stoll-events.',
    retryable: false,
  },
  addressRangeInvalid: {
    code: 'DRV-400',
    meaning: 'A range of Modbus addresses cannot be read as it is written.',
    cure: 'Write FROM..TO with protocol addresses from 0 to 65535, such as --holding 0..40, or as the manual does, --holding 40001..40041.',
    retryable: false,
  },
  scanRangeInvalid: {
    code: 'DRV-401',
    meaning: 'What shall be scanned is not said, is not understood, or is more than one scan may ask.',
    cure: 'Write one range such as modbus://192.0.2.0/28:502 --units 1..3, modbus+rtu:///dev/ttyUSB0?baudRate=9600 --units 1..20 or opc.tcp://192.0.2.10..12:4840, with at most 1024 targets (addresses times units).',
    retryable: false,
  },
  busNotOpened: {
    code: 'DRV-402',
    meaning: 'A connection or a serial port could not be opened for a probe or a scan.',
    cure: 'Check what the reason says: host and port, that the machine is on, the path of the serial port, the group that may use it (dialout), another program on it.',
    retryable: true,
  },
  unitSilent: {
    code: 'DRV-403',
    meaning: 'The connection is there, but no readable answer came from the unit.',
    cure: 'Check the unit id, modbus:// against modbus+rtu://, and on a serial line baud rate, parity and wiring.',
    retryable: true,
  },
  unitRefuses: {
    code: 'DRV-404',
    meaning: 'The unit, or the gateway before it, answers a read with an exception that is not about an address.',
    cure: 'Exception 1: the machine has no such table, try another of --holding, --input, --coil, --discrete. 10 and 11: the gateway reaches no such unit, check the unit id. Others: try again, then ask the maker.',
    retryable: true,
  },
  portInUse: {
    code: 'DRV-405',
    meaning:
      'Another process has the serial port open or locked. Nothing was sent, because two programs on a line spoil each other.',
    cure: 'Stop the process named, or the program that reads this line (often the agent), then try again.',
    retryable: true,
  },
  cameraEndpointInvalid: {
    code: 'DRV-500',
    meaning: 'The address of a camera is none of the known forms.',
    cure: 'Write it as mjpeg+http://host/path, rtsp://host/path, v4l2:///dev/video0, file:///folder/of/images or video+file:///path.mp4. User and password have fields of their own.',
    retryable: false,
  },
  ffmpegMissing: {
    code: 'DRV-501',
    meaning: 'This camera is read through ffmpeg, which is not installed on this computer.',
    cure: 'Install it (Debian: apt install ffmpeg), or use the MJPEG address of the camera (mjpeg+http://), which needs none.',
    retryable: true,
  },
  cameraUnreadable: {
    code: 'DRV-502',
    meaning:
      'A camera gives no pictures at present: it is not reached, refuses the agent, or sends what is no picture.',
    cure: 'Check what the reason says: that the camera is on, its cable and network, its address, user and password. Reading goes on by itself.',
    retryable: true,
  },
  cameraMaskInvalid: {
    code: 'DRV-503',
    meaning: 'A part of the picture that shall be blanked is not described rightly. The camera is not read.',
    cure: 'Give each part as a rectangle {x, y, width, height} or a polygon of at least three points, all from 0 to 1 of the picture.',
    retryable: false,
  },
  imageUnreadable: {
    code: 'DRV-510',
    meaning: 'An image file cannot be read.',
    cure: 'Check the path and that the user the agent runs as may read it.',
    retryable: false,
  },
  imageDamaged: {
    code: 'DRV-511',
    meaning: 'An image is truncated or damaged. Nothing of it is used.',
    cure: 'Copy the file anew or save it again; when a camera sends such images, check its cable and its network.',
    retryable: false,
  },
  imageTooLarge: {
    code: 'DRV-512',
    meaning: 'An image has more pixels or bytes than are decoded. It was not unpacked.',
    cure: 'Use images of at most 8192 by 4096 pixels and 64 MiB.',
    retryable: false,
  },
  imageKindRefused: {
    code: 'DRV-513',
    meaning:
      'An image is of a kind that is not used: CMYK, more than 8 bits a channel, or several pictures in one file.',
    cure: 'Save it as grey or RGB with 8 bits a channel, one picture a file.',
    retryable: false,
  },
  imageMislabelled: {
    code: 'DRV-514',
    meaning: 'A file is not the image its name says, or no image at all.',
    cure: 'Give PNG files the ending .png, JPEG .jpg, WebP .webp, and leave other files out of the folder.',
    retryable: false,
  },
  soundUnreadable: {
    code: 'DRV-520',
    meaning: 'A file of sound cannot be read.',
    cure: 'Check the path and that the user the agent runs as may read it.',
    retryable: false,
  },
  soundDecoderMissing: {
    code: 'DRV-521',
    meaning: 'This kind of sound file is read through ffmpeg, which is not installed on this computer.',
    cure: 'Install it (Debian: apt install ffmpeg), or save the sound as WAV, which needs none.',
    retryable: false,
  },
  soundDamaged: {
    code: 'DRV-522',
    meaning: 'A file of sound is truncated or damaged, or holds no sound. Nothing of it is used.',
    cure: 'Copy the file anew, or record it again; play it to hear whether it is whole.',
    retryable: false,
  },
  soundTooLarge: {
    code: 'DRV-523',
    meaning: 'A file of sound is longer than is decoded, or takes too long to decode.',
    cure: 'Cut it into clips of at most ten minutes.',
    retryable: false,
  },
  microphoneEndpointInvalid: {
    code: 'DRV-530',
    meaning: 'The address of a microphone is none of the known forms.',
    cure: 'Write it as alsa:hw:1,0, wav+http://host/path, tcp://host:port?format=s16le&rate=48000&channels=1, rtp://ADDRESS:5004?rate=48000 with the address of this computer, file:///path.wav or ffmpeg:rtsp://host/path. User and password have fields of their own.',
    retryable: false,
  },
  microphoneProgramMissing: {
    code: 'DRV-531',
    meaning: 'This microphone is read through arecord or ffmpeg, and neither is installed on this computer.',
    cure: 'Install one (Debian: apt install alsa-utils, or apt install ffmpeg). wav+http://, tcp:// and rtp:// need none.',
    retryable: true,
  },
  microphoneUnreadable: {
    code: 'DRV-532',
    meaning: 'A microphone gives no sound at present: it is not reached, refuses the agent, or sends what is no sound.',
    cure: 'Check what the reason says: that the microphone is plugged in and on, its network, its address and its rate. `arecord -L` lists sound cards. Listening goes on by itself.',
    retryable: true,
  },
} as const satisfies Record<string, ErrorEntry>;

export class DriverError extends Error {
  readonly entry: ErrorEntry;
  constructor(key: keyof typeof driverErrors, detail: string, options?: ErrorOptions) {
    const entry = driverErrors[key];
    super(`${entry.code} ${detail}`, options);
    this.name = 'DriverError';
    this.entry = entry;
  }
}
