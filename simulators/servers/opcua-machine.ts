/** The address space of one circular knitting machine: docs/machines.md, `knit-circular-opcua`. */
import {
  coerceLocalizedText,
  DataType,
  StatusCodes,
  Variant,
  type AddressSpace,
  type Namespace,
  type NodeId,
  type OPCUAServer,
  type UAObject,
  type UAObjectType,
  type UAVariable,
} from 'node-opcua';
import { SimulatorError } from '../errors.ts';
import type { Value } from '../maps/map.ts';
import type { ScenarioMachine } from '../scenario/schema.ts';

const machineryUri = 'http://opcfoundation.org/UA/Machinery/';
const diUri = 'http://opcfoundation.org/UA/DI/';
const ownUri = 'urn:selvedge:knit';

/** `Monitoring` variables of the page: BrowseName, type, canonical signal. Units as UN/CEFACT codes (OPC 10000-8, 5.6.4.3). */
const monitoring = [
  ['StopCause', DataType.String, 'stop.cause', null],
  ['CylinderSpeed', DataType.Double, 'cylinder.speed', { code: 'RPM', name: '1/min' }],
  ['YarnTension', DataType.Double, 'yarn.tension', { code: 'C20', name: 'cN' }],
  ['DrivePower', DataType.Double, 'power.active', { code: 'WTT', name: 'W' }],
  ['CamTemperature', DataType.Double, 'cam.temp', { code: 'CEL', name: '°C' }],
  ['OilLevel', DataType.Double, 'oil.level', { code: 'P1', name: '%' }],
  ['Revolutions', DataType.UInt32, 'revolution.count', null],
  ['FabricLength', DataType.UInt32, 'fabric.length', { code: 'MMT', name: 'mm' }],
  ['RollCount', DataType.UInt16, 'roll.count', null],
  ['EnergyTotal', DataType.UInt32, 'energy.total', { code: 'WHR', name: 'Wh' }],
] as const;

export interface MachineNodes {
  /** Puts everything the machine shows into the address space; a value that did not change raises no notification. */
  write(values: ReadonlyMap<string, Value>, sourceTime: Date): void;
}

/** Builds the machine below `Objects/Machines`. Throws SIM-106 when a node set lacks what OPC 40001-1 promises. */
export function buildKnittingMachine(server: OPCUAServer, machine: ScenarioMachine): MachineNodes {
  const space = server.engine.addressSpace;
  if (space === null) throw new SimulatorError('opcuaFailed', 'the server has no address space');
  const machineryIndex = space.getNamespaceIndex(machineryUri);
  const own = space.registerNamespace(ownUri);
  const machines = found(space.findNode(`ns=${machineryIndex};i=1001`), 'the Machines folder');
  const root = own.addObject({ browseName: machine.id, displayName: machine.id, organizedBy: machines });

  const identification = typeOf(space, 'MachineIdentificationType', machineryIndex).instantiate({
    browseName: { name: 'Identification', namespaceIndex: space.getNamespaceIndex(diUri) },
    namespace: own,
    componentOf: root,
    optionals: ['Model', 'SoftwareRevision', 'DeviceClass'],
  });
  identify(identification, machine);

  const blocks = own.addObject({
    browseName: { name: 'MachineryBuildingBlocks', namespaceIndex: machineryIndex },
    typeDefinition: 'FolderType',
    componentOf: root,
  });
  blocks.addReference({ referenceType: 'HasAddIn', nodeId: identification });
  const itemState = stateMachine(
    space,
    own,
    blocks,
    machineryIndex,
    'MachineryItemState',
    'MachineryItemState_StateMachineType',
  );
  const operationMode = stateMachine(
    space,
    own,
    blocks,
    machineryIndex,
    'MachineryOperationMode',
    'MachineryOperationModeStateMachineType',
  );

  const folder = typeOf(space, 'MonitoringType', machineryIndex).instantiate({
    browseName: { name: 'Monitoring', namespaceIndex: machineryIndex },
    namespace: own,
    componentOf: root,
  });
  const variables = monitoring.map(([browseName, dataType, signal, unit]) => {
    const variable =
      unit === null
        ? own.addVariable({ browseName, componentOf: folder, dataType })
        : own.addAnalogDataItem({
            browseName,
            componentOf: folder,
            dataType,
            engineeringUnits: {
              namespaceUri: 'http://www.opcfoundation.org/UA/units/un/cefact',
              unitId: unitId(unit.code),
              displayName: { text: unit.name },
              description: { text: unit.name },
            },
            engineeringUnitsRange: { low: -1e9, high: 1e10 },
          });
    return { variable, dataType, signal };
  });

  let shown: ReadonlyMap<string, Value> = new Map();
  return {
    write(values, sourceTime) {
      for (const { variable, dataType, signal } of variables) {
        const value = values.get(signal);
        if (value === undefined || value === shown.get(signal)) continue;
        variable.setValueFromSource(new Variant({ dataType, value }), StatusCodes.Good, sourceTime);
      }
      for (const [signal, state] of [
        ['item.state', itemState],
        ['operation.mode', operationMode],
      ] as const) {
        const name = values.get(signal);
        if (typeof name === 'string' && name !== shown.get(signal)) state(name, sourceTime);
      }
      shown = values;
    },
  };
}

/** EUInformation.UnitId: the ASCII bytes of the UN/CEFACT code as a big-endian integer. */
function unitId(code: string): number {
  let id = 0;
  for (const character of code) id = id * 256 + character.charCodeAt(0);
  return id;
}

function found<T>(node: T | null | undefined, what: string): T {
  if (node === null || node === undefined) throw new SimulatorError('opcuaFailed', `the node sets have no ${what}`);
  return node;
}

function typeOf(space: AddressSpace, name: string, namespaceIndex: number): UAObjectType {
  return found(space.findObjectType(name, namespaceIndex), name);
}

function identify(identification: UAObject, machine: ScenarioMachine): void {
  const text = (name: string, value: string): void =>
    property(identification, name).setValueFromSource(
      { dataType: DataType.LocalizedText, value: coerceLocalizedText(value) },
      StatusCodes.Good,
    );
  const string = (name: string, value: string): void =>
    property(identification, name).setValueFromSource({ dataType: DataType.String, value }, StatusCodes.Good);
  text('Manufacturer', 'Selvedge');
  text('Model', 'Simulated single jersey 30" E28');
  string('SerialNumber', `SIM-${machine.id}`);
  string('ProductInstanceUri', `urn:selvedge:knit:${machine.id}`);
  string('SoftwareRevision', '1.0.0');
  string('DeviceClass', 'Circular knitting machine');
}

function property(owner: UAObject, name: string): UAVariable {
  return found(owner.getPropertyByName(name) ?? owner.getChildByName(name), `${name} in Identification`) as UAVariable;
}

/** Instantiates one of the two state machines; the result sets its state by name, with the id of the state beside it. */
function stateMachine(
  space: AddressSpace,
  own: Namespace,
  blocks: UAObject,
  machineryIndex: number,
  browseName: string,
  typeName: string,
): (state: string, sourceTime: Date) => void {
  const type = typeOf(space, typeName, machineryIndex);
  const machine = type.instantiate({
    browseName: { name: browseName, namespaceIndex: machineryIndex },
    namespace: own,
    componentOf: blocks,
  });
  const currentState = found(machine.getComponentByName('CurrentState'), `CurrentState in ${typeName}`) as UAVariable;
  const id = found(currentState.getPropertyByName('Id'), `CurrentState.Id in ${typeName}`);
  const stateIds = new Map<string, NodeId>();
  return (state, sourceTime) => {
    const stateId =
      stateIds.get(state) ??
      found(type.getComponentByName(state, machineryIndex), `state ${state} in ${typeName}`).nodeId;
    stateIds.set(state, stateId);
    currentState.setValueFromSource(
      { dataType: DataType.LocalizedText, value: coerceLocalizedText(state) },
      StatusCodes.Good,
      sourceTime,
    );
    id.setValueFromSource({ dataType: DataType.NodeId, value: stateId }, StatusCodes.Good, sourceTime);
  };
}
